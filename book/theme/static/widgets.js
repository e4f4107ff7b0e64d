// What the widget manager needs to know of this book.

// Where it lies, so that it finds its fonts beside it and not beside the page.
require.config({
  paths: { "@jupyter-widgets/html-manager/dist": new URL("html-manager", document.currentScript.src).href },
});

// It speaks MathJax 2 to typeset its labels; the page has MathJax 3.
window.addEventListener("load", () => {
  if (window.MathJax) {
    MathJax.Hub = {
      Queue: ([, , element]) => MathJax.startup.promise.then(() => MathJax.typesetPromise([element])),
    };
  }
});
