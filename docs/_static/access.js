"use strict";
// What the theme leaves out for readers without a mouse or a screen: levels of headings, code that scrolls by keyboard.
addEventListener("DOMContentLoaded", () => {
  for (const heading of document.querySelectorAll("p.caption[role=heading]")) heading.setAttribute("aria-level", "2");
  for (const code of document.querySelectorAll("pre, .cell_output")) if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
});
