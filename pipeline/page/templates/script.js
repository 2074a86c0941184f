"use strict";
(function () {
  for (const block of document.querySelectorAll(".language")) {
    const places = block.querySelector("select.places");
    if (places) {
      places.addEventListener("change", () => {
        for (const section of block.querySelectorAll("section.place")) {
          section.hidden = places.value !== "" && section.id !== places.value;
        }
      });
    }
    const filter = block.querySelector("input.filter");
    if (filter) {
      filter.addEventListener("input", () => {
        const wanted = filter.value.trim().toLowerCase();
        for (const row of block.querySelectorAll("table.filtered tbody tr")) {
          row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
        }
      });
    }
    for (const link of block.querySelectorAll(".headlines a")) {
      link.addEventListener("click", () => {
        if (places && places.value !== "") {
          places.value = "";
          places.dispatchEvent(new Event("change"));
        }
      });
    }
  }
})();
