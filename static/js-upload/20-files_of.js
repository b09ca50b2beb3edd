/* The files in what was chosen or dropped, whole folders too: { file, path }, path being the folders it lies in. */
const filesOf = {
  chosen: input => [...input.files].map(file => ({ file, path: (file.webkitRelativePath || "").split("/").slice(0, -1).join("/") })).filter(filesOf.isWanted),
  async dropped(carried) {
    const entries = [...carried.items].map(item => item.webkitGetAsEntry?.()), plain = [...carried.files].map(file => ({ file, path: "" }))
    if (!entries.some(entry => entry?.isDirectory)) return plain
    const found = [], promised = (of, method) => new Promise((yes, no) => of[method](yes, no))
    const walk = async (entry, path) => {
      if (entry.isFile) return found.push({ file: await promised(entry, "file"), path })
      const reader = entry.createReader(), below = path ? `${path}/${entry.name}` : entry.name
      for (let some; (some = await promised(reader, "readEntries")).length;)  // a hundred at a time
        for (const one of some) await walk(one, below)
    }
    for (const entry of entries) if (entry) await walk(entry, "")
    return found.filter(filesOf.isWanted)
  },
  isWanted: ({ file }) => ![".DS_Store", "Thumbs.db", "desktop.ini"].includes(file.name),  // what systems leave in every folder
}
