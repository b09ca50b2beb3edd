/* Loads a script of its own when something on the page needs it: an element with data-script. With data-lazy, which the portal asks for,
   only once somebody turns to a drop zone: most visits hand in nothing. */
{
  const load = all => document.querySelectorAll(`[data-script]${all ? "" : ":not([data-lazy])"}`).forEach(({ dataset: { script } }) => {
    if (document.querySelector(`script[src="${script}"]`)) return
    const made = Object.assign(document.createElement("script"), { src: script })
    made.onerror = () => document.documentElement.classList.remove("js")  // then the plain form has its button
    document.head.append(made)
  })
  const turned = event => { if (event.target.closest?.("drop-zone")) load(true) }
  for (const kind of ["pointerover", "focusin", "change", "dragenter"]) document.addEventListener(kind, turned, { passive: true })
  document.addEventListener("DOMContentLoaded", () => load(false))
  document.addEventListener("htmx:after:swap", () => load(false))
}
