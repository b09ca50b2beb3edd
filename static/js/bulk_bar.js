/* Shows itself only while rows are ticked, says how many, and ticks a whole page. Without it the bar is always there. */
customElements.define("bulk-bar", class extends HTMLElement {
  connectedCallback() {
    document.addEventListener("change", this)
    document.addEventListener("htmx:after:swap", this)
    this.count()
  }
  disconnectedCallback() {
    document.removeEventListener("change", this)
    document.removeEventListener("htmx:after:swap", this)
  }
  get rows() {
    return [...document.querySelectorAll("input[name=ids]")].filter(box => box.form?.id === this.getAttribute("form"))
  }
  handleEvent(event) {
    const box = event.target
    if (box.matches?.("[data-select-all]")) this.rows.forEach(row => { row.checked = box.checked })
    this.count()
  }
  count() {
    const rows = this.rows, ticked = rows.filter(row => row.checked).length
    const matching = this.querySelector("[name=all_matching]")
    if (matching && ticked < rows.length) matching.checked = false
    matching?.closest("label").toggleAttribute("hidden", ticked < rows.length)
    this.hidden = ticked === 0
    this.querySelector("output").value = ticked
    const all = document.querySelector("[data-select-all]")
    if (all) { all.checked = ticked > 0 && ticked === rows.length; all.indeterminate = ticked > 0 && ticked < rows.length }
  }
})

/* Shift and a click ticks everything between this row and the last one. */
{
  let last = null
  document.addEventListener("click", event => {
    const box = event.target
    if (!box.matches?.("input[name=ids]")) return
    const rows = [...document.querySelectorAll("input[name=ids]")]
    if (event.shiftKey && last?.isConnected) {
      const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b)
      rows.slice(from, to + 1).forEach(row => { row.checked = box.checked })
    }
    last = box
  })
}
