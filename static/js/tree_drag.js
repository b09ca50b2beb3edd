/* Drags a folder of a <folder-tree> onto another: POSTs parent=<its data-id> to the dragged one's data-move. By keys: Alt+M asks where to,
   Alt+arrow up or down POSTs direction to data-order. */
{
  let dragged = null
  const item = event => event.target.closest?.("folder-tree li[data-id]")
  const mayDrop = on => dragged && on && on !== dragged && !dragged.contains(on) && on !== dragged.parentElement.closest("li")
  const clear = () => document.querySelectorAll(".drop-here").forEach(each => each.classList.remove("drop-here"))

  const post = (from, address, values) => {
    const tree = from.closest("folder-tree")
    htmx.ajax("POST", address, { values, source: tree, target: tree.dataset.target || tree, swap: tree.dataset.swap || "outerHTML" })
  }

  document.addEventListener("keydown", event => {
    const at = event.target, direction = { ArrowUp: "up", ArrowDown: "down" }[event.key]
    if (!event.altKey || event.ctrlKey || event.metaKey || at.role !== "treeitem") return
    if (direction && at.dataset.order) { event.preventDefault(); post(at, at.dataset.order, { direction }) }
    if (event.code === "KeyM") { event.preventDefault(); at.querySelector(":scope > .tree-row [data-move-to]")?.click() }
  })
  document.addEventListener("pointerdown", event => { const at = item(event); if (at?.dataset.move) at.draggable = true })
  document.addEventListener("dragstart", event => {
    if (!(dragged = item(event))?.dataset.move) return (dragged = null)
    event.dataTransfer.setData("text/plain", dragged.ariaLabel || "")
    event.dataTransfer.effectAllowed = "move"
    dragged.classList.add("dragged")
  })
  document.addEventListener("dragover", event => {
    if (!dragged) return
    clear()
    if (mayDrop(item(event))) { event.preventDefault(); item(event).classList.add("drop-here") }
  })
  document.addEventListener("dragend", () => { clear(); dragged?.classList.remove("dragged"); dragged = null })
  document.addEventListener("drop", event => {
    const on = item(event)
    if (!mayDrop(on)) return
    event.preventDefault()
    post(dragged, dragged.dataset.move, { parent: on.dataset.id })
  })
}
