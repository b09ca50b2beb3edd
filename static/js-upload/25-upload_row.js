/* One file of an <upload-list>, drawn anew only where something changed. */
const pageRoot = document.documentElement
const inBytes = n => {
  const step = n < 1000 ? 0 : n < 1e6 ? 1 : n < 1e9 ? 2 : 3, value = n / 1000 ** step
  return `${value.toLocaleString(pageRoot.lang, { maximumFractionDigits: step && value < 100 ? 1 : 0 })} ${["B", "kB", "MB", "GB"][step]}`
}
const inTime = seconds => seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.floor(seconds / 3600)} u ${Math.round(seconds % 3600 / 60)} min`
const makeElement = (tag, more, ...inside) => { const made = Object.assign(document.createElement(tag), more); made.append(...inside); return made }

const uploadRow = ({ file, path }) => makeElement("li", {},
  makeElement("span", { className: "name", textContent: path ? `${path}/${file.name}` : file.name, title: path ? `${path}/${file.name}` : file.name }), makeElement("span", { className: "status" }), makeElement("span", { className: "actions" }),
  makeElement("progress", { max: 1, value: 0, ariaLabel: file.name }))

const uploadSaid = ({ state, sent, file, why, result }, words) => ({
  active: sent < file.size ? `${Math.floor(100 * sent / (file.size || 1))}%` : words.checking,
  done: result && result.name !== file.name ? words.renamed.replace("{name}", result.name) : words.done,
  asks: words.twin, refused: why, failed: why, stopped: words.stopped, skipped: words.skipped, waiting: words.waiting,
})[state]

const uploadActions = ({ state, result }) => ({
  active: ["stop"], failed: ["retry", "stop"], asks: ["keep", "skip"], done: result?.namesake ? ["version"] : [],
})[state] || []

const drawUpload = (row, job, words) => {
  const said = uploadSaid(job, words), status = row.querySelector(".status"), name = job.file.name, { twin, namesake } = job.result || {}
  row.querySelector("progress").value = job.file.size ? job.sent / job.file.size : 0
  if (row.said === (row.said = `${job.state} ${said} ${job.why}`)) return
  row.className = { done: "good", failed: "danger", refused: "danger", asks: "attention" }[job.state] || ""
  status.textContent = said
  if (job.state === "asks" && twin) status.append(" ", makeElement("a", { href: twin.url, textContent: twin.name }))
  if (job.state === "asks" && job.why) status.append(` ${job.why}`)
  const actions = uploadActions(job).join(" ")
  if (row.actions === (row.actions = actions)) return
  row.querySelector(".actions").replaceChildren(...uploadActions(job).map(what => {
    const text = words[what].replace("{name}", namesake?.name || ""), button = makeElement("button", { type: "button", className: "button button--quiet button--small", textContent: text, ariaLabel: `${text}: ${name}` })
    button.dataset.do = what
    return button
  }))
}
