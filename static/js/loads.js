/* Loads a script of its own when something on the page first needs it: an element with data-script. */
{
  const load = () => document.querySelectorAll("[data-script]").forEach(({ dataset: { script } }) => {
    if (!document.querySelector(`script[src="${script}"]`)) document.head.append(Object.assign(document.createElement("script"), { src: script }))
  })
  document.addEventListener("DOMContentLoaded", load)
  document.addEventListener("htmx:after:swap", load)
}
