// What the widget manager needs to know of this book.

// Where its two modules lie, so that each finds its fonts beside it and not beside the page.
const beside = new URL("html-manager", document.currentScript.src).href;
require.config({
  paths: { "@jupyter-widgets/html-manager": `${beside}/index`, "@jupyter-widgets/html-manager/dist": beside },
});

// It speaks MathJax 2 to typeset its labels; the page has MathJax 3.
window.addEventListener("load", () => {
  if (window.MathJax) {
    MathJax.Hub = {
      Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element])),
    };
  }
});

// Its pictures and sliders have no names of their own. A label stands beside a slider; a picture is a still one here.
new MutationObserver(() => {
  for (const image of document.querySelectorAll("img.widget-image:not([alt])")) {
    image.alt = "Still picture of this explorer; it moves in JupyterLab, and the page tells the same beside it";
  }
  for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (label) handle.setAttribute("aria-label", label.textContent);
  }
}).observe(document.documentElement, { childList: true, subtree: true });
