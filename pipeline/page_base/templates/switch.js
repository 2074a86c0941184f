"use strict";
(function () {
  const blocks = Array.from(document.querySelectorAll(".language"));

  function show(language) {
    for (const block of blocks) {
      block.hidden = block.lang !== language;
      if (!block.hidden) {
        document.documentElement.lang = language;
        document.title = block.dataset.title;
        const button = block.querySelector("button.switch");
        if (button) button.focus({ preventScroll: true });
      }
    }
  }

  for (const button of document.querySelectorAll("button.switch")) {
    button.addEventListener("click", () => show(button.dataset.language));
  }
})();
