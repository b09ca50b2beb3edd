/* Folders and documents that are acted upon together: chosen in a <folder-tree data-items> (Shift and Ctrl with arrows, Space, A or a click), or
   ticked in the table. `items.of(where)` gives those, or the one that `where` stands in; `items.act` carries out and shows the tree as it became. */
const items = {
  of(where) {
    const item = where?.closest?.("folder-tree[data-items] li[data-id], tr[data-item]")
    if (!item) return []
    if (item.matches("tr")) {
      const ticked = [...document.querySelectorAll("#documents input[name=ids]:checked")].map(box => box.value)
      return ticked.includes(item.dataset.item) ? ticked : [item.dataset.item]
    }
    const chosen = item.closest("folder-tree").memory.chosen
    return (chosen.includes(item.id) ? chosen : [item.id]).map(id => id.replace("folder-", "f"))
  },
  into: where => where?.closest?.("folder-tree[data-items] li[data-id]")?.dataset.id || where?.closest?.("tr[data-folder]")?.dataset.folder || "",
  async act(values, address) {
    const tree = document.querySelector("folder-tree[data-items]")
    // By its selector: what is live may put another tree in its place before the answer is there.
    await htmx.ajax("POST", address || tree.dataset.items, { values, source: document.body, target: "folder-tree[data-items]", swap: tree.dataset.swap || "outerHTML" })
    document.getElementById("documents")?.dispatchEvent(new CustomEvent("live"))
  },
}
{
  const paint = function () {
    const top = this.querySelector("ul")
    if (!this.dataset.items || !top) return
    top.ariaMultiSelectable = true
    this.querySelectorAll("[role=treeitem]").forEach(item => { item.ariaSelected = this.memory.chosen.includes(item.id) })
  }
  const put = (tree, found) => { tree.memory.chosen = [...new Set(found)]; tree.remember(); tree.paint() }
  const toggle = (tree, item) => put(tree, tree.memory.chosen.includes(item.id) ? tree.memory.chosen.filter(id => id !== item.id) : [...tree.memory.chosen, item.id])
  const range = (tree, to, keep = []) => {
    const shown = tree.items.filter(item => item.dataset.id), from = shown.find(item => item.id === tree.anchor) || to
    const [a, b] = [shown.indexOf(from), shown.indexOf(to)].sort((x, y) => x - y)
    put(tree, [...keep, ...shown.slice(a, b + 1).map(item => item.id)])
  }
  customElements.whenDefined("folder-tree").then(() => {
    customElements.get("folder-tree").prototype.paint = paint
    document.querySelectorAll("folder-tree").forEach(tree => tree.paint())
  })
  document.addEventListener("keydown", event => {
    const item = event.target, tree = item.role === "treeitem" && item.closest("folder-tree[data-items]")
    if (!tree || event.altKey) return
    const key = event.key, ctrl = event.ctrlKey || event.metaKey, shown = tree.items, at = shown.indexOf(item)
    const to = { ArrowDown: shown[at + 1], ArrowUp: shown[at - 1], Home: shown[0], End: shown.at(-1) }[key]
    const done = () => { event.preventDefault(); event.stopPropagation() }
    if (!event.shiftKey && !ctrl) {
      tree.anchor = ""
      if (key === "Escape" && tree.memory.chosen.length) { put(tree, []); done() }
      if (key === "Delete" && tree.memory.chosen.length > 1 && tree.memory.chosen.includes(item.id)) { items.act({ do: "trash", ids: items.of(item).join() }); put(tree, []); done() }
    } else if (event.shiftKey && to) { tree.anchor ||= item.id; to.focus(); range(tree, to); done() }
    else if (ctrl && to) { to.focus(); done() }
    else if (ctrl && key === " " && item.dataset.id) { toggle(tree, item); tree.anchor = item.id; done() }
    else if (ctrl && key.toLowerCase() === "a") { put(tree, shown.filter(one => one.dataset.id).map(one => one.id)); done() }
  }, true)
  document.addEventListener("click", event => {
    const item = event.target.closest("folder-tree[data-items] .tree-row")?.parentElement, tree = item?.closest("folder-tree")
    if (!item?.dataset.id || event.target.closest(".tree-actions, form")) return
    if (event.ctrlKey || event.metaKey) { event.preventDefault(); toggle(tree, item); tree.anchor = item.id; item.focus() }
    else if (event.shiftKey) { event.preventDefault(); tree.anchor ||= tree.memory.at; range(tree, item); item.focus() }
  }, true)
}
