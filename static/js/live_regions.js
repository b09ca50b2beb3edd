/* What is live: an element with data-live="topic topic" gets a `live` event (hx-trigger="live") when one of them changed, and fetches itself again. At once; where changes
   stream in at most once in PACE, one request at a time, and always once more after the last. Only while the tab is seen, and never under somebody's hands. */
const regions = (() => {
  const SOON = 250, PACE = 2000, waiting = new Set(), underWay = new Map(), answered = new Map()
  const OPENED = CSS.supports("selector(:popover-open)") ? "dialog[open], :popover-open" : "dialog[open]"
  let timer = 0, due = Infinity, pressed = null, dragged = null

  const all = () => document.querySelectorAll("[data-live]")
  const called = element => element.id || element.dataset.live  // what takes its place is called the same
  const isEdited = element => { const at = document.activeElement; return element.contains(at) && at !== element && at.matches("input:not([type=checkbox], [type=radio], [type=file]), textarea, select") || element.querySelector("details[open] > form") !== null || element.querySelector(OPENED) !== null || !("keeps" in element.dataset) && element.querySelector("input[name=ids]:checked") !== null }
  // A button that is replaced between down and up is not clicked; an answer to what is replaced has no place.
  const isHeld = element => isEdited(element) || element.contains(pressed) || element.contains(dragged) || [...underWay].some(([{ target }, { from, region }]) => !region && (element.contains(from) || target instanceof Element && element.contains(target)))
  const isAsked = element => [...underWay.values()].some(({ region }) => region === called(element))

  const flush = () => {
    clearTimeout(timer)
    timer = 0
    due = Infinity
    if (document.hidden) return
    for (const element of [...waiting]) {
      if (isHeld(element) || isAsked(element)) continue  // whatever ends that, begins here again
      const rest = (answered.get(called(element)) ?? -PACE) + PACE - performance.now()
      if (rest > 0) { soon(rest); continue }
      waiting.delete(element)
      if (element.isConnected) element.dispatchEvent(new CustomEvent("live"))
    }
  }
  const soon = (wait = SOON) => {
    const at = performance.now() + wait
    if (at >= due) return
    clearTimeout(timer)
    due = at
    timer = setTimeout(flush, wait)
  }
  const changed = topics => {
    for (const element of all()) if (topics === null || element.dataset.live.split(/\s+/).some(topic => topics.includes(topic))) waiting.add(element)
    if (waiting.size) soon()
  }
  const renew = () => {  // what changed while an answer was under way is asked of whatever took its place
    for (const element of [...waiting]) if (!element.isConnected) {
      waiting.delete(element)
      for (const other of element.id ? document.querySelectorAll("#" + CSS.escape(element.id)) : all()) if (other.dataset.live === element.dataset.live) waiting.add(other)
    }
    if (waiting.size) soon()
  }

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const from = ctx.sourceElement
    underWay.set(ctx, { from, region: ctx.request.method === "GET" && from.matches("[data-live]") ? called(from) : "" })
  })
  document.addEventListener("htmx:before:swap", event => {  // somebody took hold of it meanwhile: it is asked anew when he lets go
    const asked = underWay.get(event.detail.ctx)
    if (!asked?.region || !isHeld(asked.from)) return
    event.preventDefault()
    asked.isRefused = true
  })
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    const { from, region, isRefused } = underWay.get(ctx) ?? {}
    underWay.delete(ctx)
    if (region && !isRefused) answered.set(region, performance.now())
    if (isRefused || region && ctx.status === "issuing") waiting.add(from)  // or something else took its place meanwhile
    renew()
  })

  const press = event => { if (!event.button) pressed = event.target }
  const letGo = event => { if (event.type === "dragend") dragged = null; pressed = null; if (waiting.size) soon() }
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, press, true)
  for (const kind of ["pointerup", "pointercancel", "contextmenu", "keyup", "dragend"]) document.addEventListener(kind, letGo, true)
  document.addEventListener("dragstart", event => { dragged = event.target }, true)
  addEventListener("blur", letGo)
  const again = () => { if (waiting.size) soon() }
  for (const kind of ["visibilitychange", "focusout", "change"]) document.addEventListener(kind, again)  // the last ticked row was let go
  for (const kind of ["toggle", "close"]) document.addEventListener(kind, again, true)  // a form was folded away
  document.addEventListener("live-soon", event => { waiting.add(event.target); soon() })  // something else knows that it changed
  return { all, changed }
})()
