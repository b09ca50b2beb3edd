/* Drags folders and documents onto a folder of the tree or the table, also of another window: moves them there, with Ctrl copies. A closed folder
   opens under what is held over it. By keys in the tree: Alt+M asks where to, Alt+arrow up or down POSTs direction to data-order. */
{
  const TYPE = "application/x-poort-items"
  let dragged = null, over = null, opening = 0
  const clear = () => { clearTimeout(opening); over?.classList.remove("drop-here"); over = null }
  const place = event => event.target.closest?.("folder-tree[data-items] li[data-id] > .tree-row, tr[data-folder], #documents[data-into]")
  const target = row => row?.matches(".tree-row") ? row.parentElement.dataset.id : row?.dataset.folder || row?.dataset.into
  const isCopy = event => event.ctrlKey || event.metaKey
  // Onto itself, into what lies in it, or where it lies already: no place for it. Of another window the server knows.
  const mayDrop = (row, event) => {
    const to = target(row)
    if (!to || !dragged) return Boolean(to)
    const inTree = id => document.getElementById(`folder-${id.slice(1)}`)
    const within = row.closest("li")
    if (dragged.ids.some(id => id === `f${to}` || (within && id[0] === "f" && inTree(id)?.contains(within)))) return false
    return isCopy(event) || dragged.ids.some(id => id[0] === "d" || !dragged.fromTree ? to !== dragged.from : (inTree(id)?.parentElement.closest("li")?.dataset.id || "0") !== to)
  }
  document.addEventListener("keydown", event => {
    const at = event.target, direction = { ArrowUp: "up", ArrowDown: "down" }[event.key]
    if (!event.altKey || event.ctrlKey || event.metaKey || at.role !== "treeitem") return
    if (direction && at.dataset.order) { event.preventDefault(); items.act({ direction }, at.dataset.order) }
    if (event.code === "KeyM") { event.preventDefault(); at.querySelector(":scope > .tree-row [data-move-to]")?.click() }
  })
  document.addEventListener("pointerdown", event => {
    const item = event.target.closest?.("folder-tree[data-items] li[data-id], #documents[data-into] tr[data-item]")
    if (item && !event.target.closest("input, form")) item.draggable = true
  })
  document.addEventListener("dragstart", event => {
    const item = event.target.closest?.("[draggable=true]"), ids = items.of(item)
    if (!ids.length) return (dragged = null)
    dragged = { ids, fromTree: item.matches("li"), from: document.getElementById("documents")?.dataset.into, rows: ids.flatMap(id => [...document.querySelectorAll(`[data-item="${id}"], #folder-${id.slice(1)}`)].filter(row => id[0] === "f" || row.matches("tr"))) }
    event.dataTransfer.setData(TYPE, JSON.stringify(ids))
    event.dataTransfer.setData("text/plain", item.ariaLabel || item.querySelector("a")?.textContent.trim() || "")
    event.dataTransfer.effectAllowed = "copyMove"
    const image = Object.assign(document.createElement("div"), { className: "drag-image", textContent: ids.length > 1 ? ids.length : item.ariaLabel || item.querySelector("a")?.textContent })
    document.body.append(image)
    event.dataTransfer.setDragImage(image, -12, -12)
    setTimeout(() => image.remove())
    dragged.rows.forEach(row => row.classList.add("dragged"))
  })
  document.addEventListener("dragover", event => {
    if (!event.dataTransfer.types.includes(TYPE)) return
    const row = place(event)
    if (!row || !mayDrop(row, event)) return clear()
    event.preventDefault()
    event.dataTransfer.dropEffect = isCopy(event) ? "copy" : "move"
    if (row === over) return
    clear()
    over = row
    row.classList.add("drop-here")
    const details = row.parentElement.querySelector(":scope > details:not([open])")
    if (details) opening = setTimeout(() => { details.open = true }, 700)
  })
  document.addEventListener("dragend", () => { clear(); dragged?.rows.forEach(row => row.classList.remove("dragged")); dragged = null })
  document.addEventListener("drop", event => {
    const row = place(event), held = event.dataTransfer.getData(TYPE)
    if (!held || !row || !mayDrop(row, event)) return clear()
    event.preventDefault()
    const ids = JSON.parse(held).filter(id => /^[fd]\d{1,9}$/.test(id)).join()
    clear()
    items.act({ do: isCopy(event) ? "copy" : "move", into: target(row), ids })
  })
}
