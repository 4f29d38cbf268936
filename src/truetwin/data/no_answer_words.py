"""Recognise wordings that say "no answer": don't know, refused, not applicable, in many languages.

A wording is normalised first: letter case, accents, apostrophes of any shape, full stops, remarks in brackets such as
``(VOL.)``, and a number in front do not matter. A wording of several parts (``DK/Refused/NA``) is one of no answer
if each part is.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

#: Wordings that are never a place on a scale, by language.
CERTAIN = {
    "English": (
        "refused, refusal, refuse to answer, refused to answer, refuses to answer, rf, ref, "
        "decline to answer, declined to answer, decline to state, no answer, no answer given, not answered, "
        "did not answer, didn't answer, unanswered, no response, non response, non-response, nonresponse, "
        "nr, dk, dkn, "
        "dk ref, dkref, dkna, don't know, dont know, do not know, does not know, doesn't know, did not know, "
        "didn't know, i don't know, i do not know, dunno, idk, can't say, cannot say, can't choose, cannot choose, "
        "can't tell, can't remember, cannot remember, don't remember, not applicable, does not apply, "
        "doesn't apply, na, n/a, inapplicable, inap, iap, not ascertained, missing, missing value, missing data, "
        "system missing, system-missing, user missing, user-missing, sysmis, unknown, not known, not asked, "
        "not available, no data, skip, skipped, item skipped, skipped on web, not in universe, niu, legitimate skip, "
        "valid skip, logical skip, blank, web blank, left blank, prefer not to answer, prefer not to say, "
        "prefer not to disclose, prefer not to respond, prefer not to state, prefer not to tell, "
        "prefer not to share, "
        "prefer not to specify, i prefer not to answer, i prefer not to say, i'd prefer not to say, "
        "i'd prefer not to answer, i would prefer not to say, i would prefer not to answer, rather not say, "
        "rather not answer, i'd rather not say, i'd rather not answer, would rather not say, i would rather not say, "
        "choose not to answer, chose not to answer, do not wish to answer, does not wish to answer, not stated, "
        "not reported, not specified, not disclosed, undisclosed, not codeable, not codable, uncodeable, uncodable, "
        "interview terminated, break off, unable to answer, unable to say, unable to determine, not answered yet, "
        "legal skip, interviewer error, unfinished questionnaire, answer refused, item nonresponse, "
        "item non response, "
        "not available in this survey, don t know, haven't heard enough, don't know enough to say"
    ),
    "German": (
        "weiß nicht, weiss nicht, weiß ich nicht, weiss ich nicht, ich weiß nicht, ich weiß es nicht, weiß es nicht, "
        "keine angabe, keine angaben, keine antwort, ka, k.a., verweigert, angabe verweigert, antwort verweigert, "
        "verweigerung, keine aussage, kann ich nicht sagen, kann nicht sagen, kann ich nicht beurteilen, "
        "entfällt, entfaellt, tnz, keine auskunft, nicht beantwortet, "
        "möchte ich nicht sagen, möchte nicht sagen, möchte ich nicht beantworten, kann ich nicht einschätzen, "
        "möchte nicht antworten, ich möchte nicht antworten, "
        "moechte nicht antworten, fehlend, fehlender wert, nicht erhoben, nicht gefragt"
    ),
    "French": (
        "ne sait pas, ne sais pas, je ne sais pas, nsp, nspp, ne se prononce pas, sans réponse, pas de réponse, "
        "non réponse, non-réponse, refus, refus de répondre, refuse de répondre, a refusé, "
        "ne souhaite pas répondre, je ne souhaite pas répondre, je préfère ne pas répondre, préfère ne pas répondre, "
        "préfère ne pas le dire, ne veut pas répondre, vous ne savez pas, non concerné, sans objet, "
        "ne s'applique pas, non applicable"
    ),
    "Spanish": (
        "no sabe, no sé, no lo sé, ns, nc, nsnc, ns nc, nsnr, no contesta, no contestó, no responde, no respondió, "
        "no sabe no contesta, no sabe no responde, sin respuesta, ninguna respuesta, rehúsa, rehusó, "
        "se niega a contestar, no aplica, no procede, no aplicable, no corresponde, prefiero no contestar, "
        "prefiero no responder, prefiero no decirlo, prefiere no contestar, prefiere no responder, "
        "no quiere contestar, no recuerda, sin datos"
    ),
    "Italian": (
        "non so, non lo so, non sa, non risponde, non sa non risponde, nessuna risposta, "
        "rifiuto, rifiuto di rispondere, rifiuta di rispondere, "
        "non applicabile, preferisco non rispondere, preferisce non rispondere, non pertinente, non indicato, "
        "non disponibile"
    ),
    "Portuguese": (
        "não sei, não sabe, não responde, não respondeu, não sabe não responde, sem resposta, recusou, recusa, "
        "recusou responder, não se aplica, não aplicável, prefiro não responder, prefiro não dizer"
    ),
    "Dutch": (
        "weet niet, weet ik niet, weet het niet, ik weet het niet, geen antwoord, wil niet zeggen, "
        "wil ik niet zeggen, "
        "weigert, geweigerd, weigering, niet van toepassing, nvt, n.v.t., wil ik liever niet zeggen, "
        "wil geen antwoord geven, "
        "zeg ik liever niet, geen opgave"
    ),
    "Swedish": (
        "vet ej, vet inte, vill ej svara, vill inte svara, inget svar, ej svar, uppgift saknas, "
        "ej tillämpligt"
    ),
    "Norwegian and Danish": (
        "vet ikke, ved ikke, ønsker ikke å svare, ønsker ikke at svare, vil ikke svare, ubesvart, ubesvaret, "
        "ikke svar, intet svar, nekter, nekter å svare, nægter, ikke aktuelt, uoplyst, ikke relevant"
    ),
    "Finnish": "en osaa sanoa, ei osaa sanoa, eos, ei vastausta, ei tietoa, kieltäytyi, en halua vastata, en tiedä",
    "Polish": "nie wiem, trudno powiedzieć, nie dotyczy, odmowa, odmowa odpowiedzi, brak odpowiedzi, brak danych",
    "Czech and Slovak": (
        "nevím, neví, neodpověděl, neodpověděla, neodpověděl/a, odmítl, odmítla, odmítl odpovědět, "
        "odmítla odpovědět, netýká se, bez odpovědi, neviem"
    ),
    "Hungarian": "nem tudja, nem tudom, nem válaszol, nem válaszolt, nt/nv, válaszmegtagadás, nincs válasz",
    "Romanian": "nu știu, nu stiu, nu știe, nu răspund, nu răspunde, refuz, nu este cazul",
    "Russian": (
        "затрудняюсь ответить, затрудняюсь, затруднились ответить, затруднился ответить, з/о, не знаю, "
        "не знает, отказ, отказ от ответа, нет ответа, не применимо, "
        "неприменимо, трудно сказать"
    ),
    "Ukrainian": (
        "важко відповісти, важко сказати, не знаю, відмова, відмова від відповіді, відмова відповідати, "
        "немає відповіді"
    ),
    "Turkish": (
        "bilmiyorum, bilmiyor, cevap yok, cevap vermedi, cevap vermek istemiyorum, yanıt yok, geçerli değil, "
        "uygulanamaz, cevaplamayı reddetti"
    ),
    "Greek": "δεν ξέρω, δεν γνωρίζω, δεν απαντώ, δεν απαντά, δεν ξέρω δεν απαντώ, άρνηση, δγ, δα",
    "Arabic": "لا أعرف, لا اعرف, لا يعرف, لا أدري, رفض الإجابة, أرفض الإجابة, لا ينطبق, لا إجابة, بدون إجابة",
    "Hebrew": (
        "לא יודע, לא יודעת, לא יודע/ת, מסרב, מסרבת, אין תשובה, לא רלוונטי, מסרב/ת, מסרב לענות, "
        "מסרבת לענות, מסרב/ת לענות"
    ),
    "Chinese": (
        "不知道, 不清楚, 说不清, 說不清, 拒绝回答, 拒絕回答, 拒答, 无回答, 無回答, 未回答, 不适用, 不適用, 不想回答, "
        "不愿回答, 不願回答, 无法回答, 無法回答, 缺失"
    ),
    "Japanese": "わからない, 分からない, わかりません, 無回答, 答えたくない, 回答拒否, 該当しない, 非該当, 不明",
    "Korean": (
        "모름, 모르겠다, 모르겠음, 잘 모르겠다, 잘 모르겠음, 무응답, 응답 거부, 응답거부, 응답거절, 응답 거절, "
        "해당 없음, 해당없음"
    ),
    "Indonesian and Malay": "tidak tahu, tidak menjawab, menolak menjawab, tidak ada jawaban, tidak berlaku, tt/tj",
    "Vietnamese": "không biết, không trả lời, từ chối trả lời, không áp dụng",
    "Hindi": "पता नहीं, मालूम नहीं, नहीं जानते, कोई जवाब नहीं, उत्तर नहीं, लागू नहीं",
}
#: Wordings that are an answer in some questionnaires, and no answer in others.
DOUBTFUL = (
    "not sure, unsure, i'm not sure, refuse, declined, nicht zutreffend, no opinion, no view, hard to say, "
    "difficult to say, unsicher, keine meinung, "
    "sans opinion, sin opinión, nessuna opinione, sem opinião, geen mening, ingen mening, ingen uppfattning, "
    "fikrim yok, nie mam zdania, нет мнения, 意见なし, 无意见, 很难说, 很難說, 의견 없음"
)
#: Beginnings of replies in which a language model declines to answer.
_DECLINES = re.compile(
    r"(i am sorry|im sorry|sorry)\b.*\b(cannot|cant|unable|not able|wont)\b|as an ai\b|"
    r"i (cannot|cant|am unable to|am not able to|wont|will not|must decline to|decline to) "
    r"(answer|provide|respond|give|choose|participate|express|share|assist|help|comply|complete|select|simulate|role)"
)
_NUMBER_IN_FRONT = re.compile(
    r"^[(\[]?[-+]?\d+(?:[.:)\]=]|\s*[-=:]\s|\s+(?=\D))\s*|^(?:volunteered|vol|spontaneous)[.:]+\s*",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[(\[{][^)\]}]*[)\]}]")
_APART = re.compile(r"\s*(?:[/;,|+&・、]|\b(?:or|and|oder|und|ou|et|o|y|e|of|en|eller|lub|или)\b)\s*")


def says_no_answer(text: str) -> bool:
    """Test whether a label or a cell says that there is no answer.

    Examples
    --------
    >>> [says_no_answer(t) for t in ("Don’t know (VOL.)", "DK/Refused/NA", "Weiß nicht", "99. Refused", "Never")]
    [True, True, True, True, False]
    """
    return _kind(text) == "certain"


def may_say_no_answer(text: str) -> bool:
    """Test whether a wording is an answer in some questionnaires and none in others, such as "No opinion"."""
    return _kind(text) == "doubtful"


def declines_to_answer(text: str) -> bool:
    """Test whether a text is a reply in which a language model declines to answer.

    Examples
    --------
    >>> declines_to_answer("I'm sorry, but I cannot answer that."), declines_to_answer("I am sorry for him")
    (True, False)
    """
    return len(text) > 8 and bool(_DECLINES.match(_normal(text)))


@cache
def _kind(text: str) -> str:
    if len(text) > 120:
        return "answer"
    certain, doubtful = _wordings()
    for wording in _readings(text):
        if wording in certain:
            return "certain"
        if wording in doubtful:
            return "doubtful"
    parts = [part for part in _APART.split(_readings(text)[-1]) if part]
    if len(parts) > 1 and all(part in certain or part in doubtful for part in parts):
        return "certain" if any(part in certain for part in parts) else "doubtful"
    return "answer"


def _readings(text: str) -> list[str]:
    """Normalise a wording, with its number in front and its brackets, and without them."""
    bare = _BRACKETED.sub(" ", _NUMBER_IN_FRONT.sub("", text.strip()))
    return list(dict.fromkeys(_normal(t) for t in (text, bare if bare.strip() else text.strip("()[]{} "))))


def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKD", html.unescape(text)).casefold()
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    plain = re.sub(r"[’‘ʼ´`'′\"“”„«».…*!?_]", lambda m: " " if m.group() in "_*" else "", plain)
    plain = re.sub(r"\bn\s*/\s*a\b", "na", plain)
    return " ".join(re.sub(r"[-‐‑‒–—]", " ", plain).split()).strip(" :")


@cache
def _wordings() -> tuple[frozenset[str], frozenset[str]]:
    listed = ", ".join(CERTAIN.values()).split(", ")
    return frozenset(map(_normal, listed)), frozenset(map(_normal, DOUBTFUL.split(", ")))
