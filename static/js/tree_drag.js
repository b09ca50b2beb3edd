/* Drags a folder of a <folder-tree> onto another: POSTs parent=<its data-id> to the dragged one's data-move. The keyboard has its "move to". */
{
  let dragged = null
  const item = event => event.target.closest?.("folder-tree li[data-id]")
  const mayDrop = on => dragged && on && on !== dragged && !dragged.contains(on) && on !== dragged.parentElement.closest("li")
  const clear = () => document.querySelectorAll(".drop-here").forEach(each => each.classList.remove("drop-here"))

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
    const tree = dragged.closest("folder-tree")
    htmx.ajax("POST", dragged.dataset.move, { values: { parent: on.dataset.id }, source: tree, target: tree.dataset.target || tree, swap: tree.dataset.swap || "outerHTML" })
  })
}
