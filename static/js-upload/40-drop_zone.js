/* Where files are dropped or chosen, whole folders too: hands them to the <upload-list> of the page with where they are to go. */
customElements.define("drop-zone", class extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form")
    for (const input of this.querySelectorAll("input[type=file]")) {
      const take = () => { const found = filesOf.chosen(input); input.value = ""; this.add(found) }
      input.addEventListener("change", take)
      if (input.files.length) queueMicrotask(take)  // chosen while this script was on its way
    }
    this.form.addEventListener("submit", event => event.preventDefault())
    for (const kind of ["dragover", "dragleave", "drop"]) this.addEventListener(kind, this)
  }
  async handleEvent(event) {
    if (!event.dataTransfer?.types.includes("Files")) return
    event.preventDefault()
    event.stopPropagation()
    this.classList.toggle("over", event.type === "dragover")
    if (event.type === "drop") this.add(await filesOf.dropped(event.dataTransfer))
  }
  add(found, into = {}) {
    const { folder, item, document: older, placing, refresh } = this.dataset, publish = this.form.elements.publish?.value || ""
    document.querySelector("upload-list.here").add(found, { folder, item, document: older, placing, publish, ...into }, refresh)
  }
})

/* Files from the desktop let go over a folder of the tree, or over its row in a table, go into that folder. Elsewhere they do nothing:
   the browser would leave the page for them. */
{
  const carries = event => event.dataTransfer?.types.includes("Files") && document.querySelector("upload-list.here")
  const place = event => event.target.closest?.("folder-tree[data-items] li[data-id], tr[data-folder]")
  const mark = on => document.querySelectorAll(".drop-here").forEach(one => one !== on && one.classList.remove("drop-here"))
  document.addEventListener("dragover", event => {
    if (!carries(event)) return
    const on = place(event)
    event.preventDefault()
    event.dataTransfer.dropEffect = on ? "copy" : "none"
    mark(on)
    on?.classList.add("drop-here")
  })
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) mark() })
  document.addEventListener("drop", async event => {
    if (!carries(event)) return
    const on = place(event), folder = on?.dataset.id || on?.dataset.item.slice(1)
    event.preventDefault()
    mark()
    const found = folder && await filesOf.dropped(event.dataTransfer), zone = document.querySelector("drop-zone")
    if (!folder) return
    if (zone) zone.add(found, { folder, item: "", document: "" })
    else document.querySelector("upload-list.here").add(found, { folder }, "#documents")
  })
}
