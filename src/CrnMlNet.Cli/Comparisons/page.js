"use strict";
for (const table of document.querySelectorAll("table.sort")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    let down = false;
    const order = () => {
      const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        const [m, n] = [parseFloat(x), parseFloat(y)];
        return Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : n - m;
      });
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
      down = !down;
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
    head.addEventListener("click", order);
    head.addEventListener("keydown", event => { if (event.key === "Enter") order(); });
  });
}
const box = document.getElementById("box");
const images = [...document.querySelectorAll(".pictures img")];
let shown = 0;
const show = index => {
  shown = (index + images.length) % images.length;
  const image = images[shown];
  box.querySelector("img").src = image.src;
  box.querySelector("img").alt = image.alt;
  box.querySelector("figcaption").textContent = image.alt;
  if (!box.open) box.showModal();
};
const below = step => {
  const row = images[shown].closest("tr");
  const other = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const cell = other?.cells[images[shown].closest("td").cellIndex];
  if (cell?.querySelector("img")) show(images.indexOf(cell.querySelector("img")));
};
images.forEach((image, index) => {
  image.addEventListener("click", () => show(index));
  image.addEventListener("keydown", event => { if (event.key === "Enter") show(index); });
});
box.addEventListener("click", () => box.close());
box.addEventListener("keydown", event => {
  const moves = { ArrowRight: () => show(shown + 1), ArrowLeft: () => show(shown - 1), ArrowDown: () => below(1), ArrowUp: () => below(-1) };
  if (moves[event.key]) {
    event.preventDefault();
    moves[event.key]();
  }
});
