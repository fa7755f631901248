// Let the keyboard reach formulas that are wider than the page, and no others.
// The theme does the same for code and tables.
document.addEventListener("DOMContentLoaded", () => {
  const boxes = document.querySelectorAll(".bd-article div.math");

  function mark(box) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }

  const observer = new ResizeObserver((changes) => changes.forEach((change) => mark(change.target)));
  boxes.forEach((box) => observer.observe(box));
  // The font of the formulas changes their width, not that of their boxes.
  document.fonts.ready.then(() => boxes.forEach(mark));
});
