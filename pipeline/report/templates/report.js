"use strict";
(function () {
  const blocks = Array.from(document.querySelectorAll(".language"));
  for (const button of document.querySelectorAll("button.switch")) {
    button.addEventListener("click", () => {
      for (const block of blocks) {
        block.hidden = block.lang !== button.dataset.language;
        if (!block.hidden) {
          document.documentElement.lang = block.lang;
          document.title = block.dataset.title;
          const back = block.querySelector("button.switch");
          if (back) back.focus({ preventScroll: true });
        }
      }
    });
  }
})();
