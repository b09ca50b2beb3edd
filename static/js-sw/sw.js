/* The service worker: shows /offline when there is no connection. It keeps that page with its files, colour and logo, and nothing from behind the sign-in. */
const CACHE = "poort-offline"
const KEY = "/offline"

async function keep(version) {
  const cache = await caches.open(CACHE), kept = await cache.match("/offline-version")
  if (version && kept && (await kept.text()) === version) return
  const page = await fetch(KEY, { cache: "no-store", credentials: "omit" })
  if (!page.ok) return
  const html = await page.clone().text()
  const files = [...new Set([...html.matchAll(/(?:href|src)="(\/(?:static\/|brand\.css|logo\?)[^"#]+)/g)].map(found => found[1]))]
  const fetched = await Promise.all(files.map(async file => [file, await fetch(file, { credentials: "omit" })]))
  if (fetched.some(([, reply]) => !reply.ok)) return   // half a new version is worse than the whole old one
  for (const old of await cache.keys()) await cache.delete(old)
  await Promise.all(fetched.map(([file, reply]) => cache.put(file, reply)))
  await cache.put(KEY, page)
  await cache.put("/offline-version", new Response(version || ""))
}

self.addEventListener("install", event => {
  self.skipWaiting()
  event.waitUntil(keep("").catch(() => {}))            // a failing network must not keep the new worker out
})

self.addEventListener("activate", event => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name)
    await self.clients.claim()
  })())
})

self.addEventListener("message", event => {
  if (event.data?.version) event.waitUntil(keep(event.data.version).catch(() => {}))
})

self.addEventListener("fetch", event => {
  const { request } = event, { pathname, origin } = new URL(request.url)
  if (request.method !== "GET" || origin !== location.origin) return
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(async () => (await caches.match(KEY)) || Response.error()))
  } else if (pathname.startsWith("/static/") || pathname === "/brand.css" || pathname === "/logo") {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) || Response.error()))
  }
})
