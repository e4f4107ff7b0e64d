// What the theme's own parts lack for those who read by keyboard or by ear. Checked with axe-core in tests/browser.

function nameParts() {
  // A name that differs from the words on the control cannot be spoken to it: the words are its name.
  for (const control of document.querySelectorAll("summary[aria-label='Toggle hidden content'], .search-button-field")) {
    control.removeAttribute("aria-label");
  }
  // The arrow beside an entry of the contents has no words.
  for (const arrow of document.querySelectorAll(".bd-sidebar-primary summary")) {
    const entry = arrow.closest("li").querySelector("a").textContent.trim();
    arrow.setAttribute("aria-label", `Pages below ${entry}`);
  }
  // Entries of a list are its items; "doc-biblioentry" is no longer in use.
  for (const entry of document.querySelectorAll("[role='list'] > [role='doc-biblioentry']")) {
    entry.setAttribute("role", "listitem");
  }
}

// What scrolls sideways on this screen can be reached and scrolled by keyboard.
function openToKeyboard() {
  for (const box of document.querySelectorAll(".bd-article *")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    if (scrolls && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  }
}

document.addEventListener("DOMContentLoaded", nameParts);
window.addEventListener("load", openToKeyboard);
window.addEventListener("resize", openToKeyboard);
document.addEventListener("toggle", openToKeyboard, true); // a fold that opens
