// Puts choices and a search above each table of the class "filterable". Without this script it is a plain table.

const CHOICES = ["study", "source", "verdict", "of", "type", "severity", "status"]; // headings of the columns to choose from

function words(cell) {
  return (cell.querySelector("strong") ?? cell).textContent.trim(); // what stands in bold, else all
}

function labelled(text, control, number) {
  const label = document.createElement("label");
  control.id = `filter-${number}-${text.replace(/\W+/g, "-")}`;
  label.htmlFor = control.id;
  label.textContent = text;
  const box = document.createElement("div");
  box.append(label, control);
  return box;
}

function makeFilterable(table, number) {
  const rows = [...table.tBodies[0].rows];
  const headings = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const form = document.createElement("form");
  form.className = "table-filter";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the table");

  const selects = CHOICES.map((name) => [headings.indexOf(name), name]).filter(([column]) => column >= 0);
  const chosen = selects.map(([column, name]) => {
    const select = document.createElement("select");
    select.add(new Option("all", ""));
    for (const value of new Set(rows.map((row) => words(row.cells[column])))) select.add(new Option(value, value));
    form.append(labelled(name, select, number));
    return [column, select];
  });
  const search = document.createElement("input");
  search.type = "search";
  form.append(labelled("words", search, number));
  const count = document.createElement("output"); // read aloud when it changes
  form.append(count);

  function show() {
    const wanted = search.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        chosen.some(([column, select]) => select.value && words(row.cells[column]) !== select.value) ||
        !wanted.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  const scroller = table.closest(".long-table, .pst-scrollable-table-container") ?? table;
  scroller.before(form);
  show();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.filterable").forEach(makeFilterable);
});
