// Browsers of items: every text of people and models is put in as text, never as markup.
for (const box of document.querySelectorAll("[data-browser]")) {
  const data = JSON.parse(box.querySelector("[data-cases]").textContent);
  const find = (name) => box.querySelector(`[data-${name}]`);
  const make = (tag, name, ...inside) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    node.append(...inside.filter((each) => each !== null && each !== undefined));
    return node;
  };
  const said = (text, language, tag = "p") => {
    const node = make(tag, "said", text);
    node.dir = "auto";
    if (language) node.lang = language;
    return node;
  };
  const [show, model, protocol, capability, dimension, words] =
    ["show", "model", "protocol", "capability", "dimension", "words"].map(find);
  const list = find("list"), detail = find("detail"), count = find("count");
  const fill = (select, entries) => {
    select.replaceChildren(...entries.map(([value, text]) => { const o = make("option", "", text); o.value = value; return o; }));
    select.closest("label").hidden = entries.length < 2;
  };
  const numbered = (names) => names.map((name, k) => [String(k), name]);
  fill(protocol, numbered(data.protocols));
  fill(model, [["", "any model"], ...numbered(data.models)]);
  fill(capability, [["", "anything"], ...data.capabilities.map((name) => [name, name.replaceAll("_", " ")])]);
  fill(dimension, data.dimensions.length > 1 ? [["", "all dimensions"], ...data.dimensions.map((name) => [name, name])] : []);
  const isMark = () => data.protocols[Number(protocol.value)] === "scoring";
  const isWritten = () => data.protocols[Number(protocol.value)] === "reply";
  const offer = () => {
    const kept = show.value;
    const all = [["all", "all items"]], lost = [["lost", isMark() ? "imputed marks and replies without a mark" : "no readable answer"]];
    const judged = isMark() ? [["wrong", "a mark of 1 or 2"], ["differ", "marks 2 or more apart"]]
      : [["wrong", "wrong"], ["every", "wrong by all models"], ["differ", "disagreement"], ["right", "right by all models"]];
    const many = data.models.length > 1 ? judged : judged.filter(([value]) => value === "wrong" || value === "right");
    fill(show, [...all, ...(isWritten() ? [] : many), ...lost]);
    if ([...show.options].some((each) => each.value === kept)) show.value = kept;
  };
  // An answer: [model, protocol, judge, attempts]; an attempt: verdict and what belongs to it.
  const answersOf = (one) => one.answers.filter((a) => a.protocol === Number(protocol.value) && (model.value === "" || a.model === Number(model.value)));
  const isWrong = (t) => t.verdict === "wrong" || t.verdict === "unreadable" || t.verdict === "failed" || (t.verdict === "mark" && t.mark <= 2);
  const isLost = (t) => ["unreadable", "failed", "unscored"].includes(t.verdict) || (t.verdict === "written" && !t.reply);
  const fits = (one) => {
    if (dimension.value && one.dimension !== dimension.value) return false;
    if (capability.value && !(one.capabilities || []).includes(capability.value)) return false;
    const answers = answersOf(one), tries = answers.flatMap((a) => a.attempts);
    if (!tries.length) return false;
    if (words.value.trim() && !haystack(one).includes(words.value.trim().toLowerCase())) return false;
    if (show.value === "wrong") return tries.some(isWrong);
    if (show.value === "every") return answers.every((a) => a.attempts.every(isWrong));
    if (show.value === "right") return tries.every((t) => t.verdict === "right");
    if (show.value === "lost") return tries.some(isLost);
    if (show.value === "differ") {
      if (isMark()) { const m = tries.filter((t) => t.verdict === "mark").map((t) => t.mark); return Math.max(...m) - Math.min(...m) >= 2; }
      return tries.some((t) => t.verdict === "right") && tries.some((t) => t.verdict !== "right");
    }
    return true;
  };
  const haystack = (one) => {
    one.text ??= [one.id, one.group, one.persona.name, one.persona.id, one.stimulus, ...one.options.map((o) => o.text),
      ...one.answers.flatMap((a) => a.attempts.flatMap((t) => [t.reply, t.words]))].join("\n").toLowerCase();
    return one.text;
  };
  const named = { right: "right", wrong: "wrong", unreadable: "not readable", failed: "no reply came", unscored: "not judged", written: "written" };
  const inWords = (t) => (t.imputed ? `mark ${t.mark} of 5, imputed: no judge saw the reply` : t.verdict === "mark" ? `mark ${t.mark} of 5` : named[t.verdict]);
  const badge = (t, before = "") => make("span", t.verdict === "right" ? "good" : isWrong(t) ? "bad" : "soft", `${before}${t.verdict === "right" ? "✓ " : isWrong(t) ? "✗ " : ""}${inWords(t)}`);
  let chosen = [], at = 0;
  const summary = (answers) => answers.map((a) => {
    const n = a.attempts.length, right = a.attempts.filter((t) => t.verdict === "right").length;
    const name = data.models.length > 1 ? `${data.models[a.model]}: ` : "";
    return n > 1 && right < n && right > 0 ? make("span", "soft", `${name}${right} of ${n} right`) : badge(a.attempts[0], name);
  });
  const draw = () => {
    chosen = data.cases.filter(fits);
    count.textContent = `${chosen.length} of ${data.cases.length} items`;
    list.replaceChildren(...chosen.map((one, k) => {
      const button = make("button", "", make("span", "what", one.stimulus || one.id), make("span", "marks", make("span", "", one.id), ...summary(answersOf(one))));
      button.type = "button";
      button.addEventListener("click", () => { open(k); if (matchMedia("(max-width: 46rem)").matches) detail.focus(); });
      return make("li", "", button);
    }));
    open(0);
  };
  const open = (place, focus = false) => {
    at = Math.max(0, Math.min(place, chosen.length - 1));
    [...list.querySelectorAll("button")].forEach((button, k) => {
      button.tabIndex = k === at ? 0 : -1;
      button.setAttribute("aria-current", String(k === at));
      if (k === at) { if (focus) button.focus(); const row = button.parentElement; if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = row.offsetTop - list.clientHeight / 3; }
    });
    detail.replaceChildren(...(chosen.length ? shown(chosen[at]) : [make("p", "soft", "No item fits. Choose other filters.")]));
  };
  const turning = () => {
    const step = (text, by) => {
      const button = make("button", "", text);
      button.type = "button";
      button.disabled = at + by < 0 || at + by >= chosen.length;
      button.dataset.step = by;
      button.addEventListener("click", () => { open(at + by); (detail.querySelector(`[data-step="${by}"]:enabled`) || detail.querySelector("[data-step]:enabled") || detail).focus(); });
      return button;
    };
    return make("div", "turning", step("Previous", -1), step("Next", 1), make("span", "", `${at + 1} of ${chosen.length}`));
  };
  const shown = (one) => {
    const person = one.persona, about = [["traits", "Personality"], ["goals", "Goals"], ["details", "Details"]].filter(([key]) => person[key].length);
    const chips = [one.id, one.dimension, one.group, person.name || person.id, ...(one.capabilities || []).map((name) => name.replaceAll("_", " ") + (name === one.primary ? " (primary)" : ""))];
    const profile = about.length ? make("details", "", make("summary", "", `Who ${person.name || "the person"} is`), ...about.flatMap(([key, title]) => [make("h4", "", title), ...person[key].map((text) => said(text, one.language))])) : null;
    const turns = one.history.map((k) => data.turns[k]);
    const history = make("details", "", make("summary", "", turns.length ? `Earlier replies of the person: ${turns.length}` : "No earlier reply of the person is known"),
      make("ol", "turns", ...turns.map((turn) => make("li", "", turn.context ? make("div", "soft", said(turn.context, one.language)) : null, said(turn.reply, one.language)))));
    return [turning(), make("p", "chips", ...chips.filter(Boolean).map((text) => make("span", "chip", text))),
      profile, history, make("h4", "", "What the reply answers"), said(one.stimulus, one.language, "blockquote"),
      make("h4", "", "The options"), options(one), make("h4", "", "What the models did"), ...data.models.map((_, k) => card(one, k))].filter(Boolean);
  };
  const options = (one) => make("ul", "choices", ...one.options.map((option) => {
    const isTrue = option.id === one.answer;
    const picked = one.answers.filter((a) => data.protocols[a.protocol] === "choice").flatMap((a) => {
      const n = a.attempts.filter((t) => t.picked === option.id).length, of = a.attempts.length;
      return n ? [make("span", isTrue ? "good" : "bad", `chosen by ${data.models[a.model]}${of > 1 ? ` in ${n} of ${of} orders` : ""}`)] : [];
    });
    return make("li", isTrue ? "true" : "", said(option.text, one.language), make("div", "badges", isTrue ? make("span", "good", "✓ the true reply") : null, ...picked));
  }));
  const textOf = (one, id) => (one.options.find((option) => option.id === id) || {}).text;
  const card = (one, k) => {
    const own = one.answers.filter((a) => a.model === k);
    if (!own.length) return null;
    const reply = own.flatMap((a) => a.attempts).find((t) => t.reply);
    const parts = own.flatMap((a) => a.attempts.flatMap((t, run) => {
      const name = data.protocols[a.protocol], judged = name !== "choice" && name !== "reply";
      if (name === "reply" && t.reply) return [];
      const order = a.attempts.length > 1 ? `, ${name === "choice" ? "order" : "reply"} ${run + 1}` : "";
      const dd = make("dd", "");
      if (t.reply && reply && t.reply !== reply.reply) dd.append(said(t.reply, one.language, "blockquote"));
      if (t.verdict === "wrong" && judged) dd.append(make("div", "soft", name === "map-to-options" ? "The judge finds this option closer:" : "The judge finds this text closer:"), said(textOf(one, t.picked) || "", one.language));
      if (t.pillars) dd.append(make("div", "soft", Object.entries(t.pillars).map(([pillar, verdict]) => `${pillar.replaceAll("_", " ")}: ${verdict}`).join("; ")));
      if (t.words) dd.append(make("div", "soft", judged ? "The judge's words:" : "The model's words:"), said(t.words));
      if (t.reason) dd.append(make("div", "soft", t.reason));
      return [make("dt", "", `${name}${order}${a.judge ? `, judged by ${a.judge}` : ""}: `, badge(t)), dd];
    }));
    return make("section", "card", make("h5", "", data.models[k]), reply ? make("div", "soft", "The reply that it wrote:") : null, reply ? said(reply.reply, one.language, "blockquote") : null, make("dl", "", ...parts));
  };
  list.addEventListener("keydown", (event) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: chosen.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(to, true);
  });
  protocol.addEventListener("change", offer);
  for (const control of [show, model, protocol, capability, dimension]) control.addEventListener("change", draw);
  words.addEventListener("input", draw);
  box.querySelectorAll("[hidden]").forEach((part) => { if (part.matches(".controls, .panes")) part.hidden = false; });
  offer();
  draw();
}
