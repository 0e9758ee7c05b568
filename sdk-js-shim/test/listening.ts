// An application by the event `fetch`, which tests import.

addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname !== "/hello") return;
  event.waitUntil(Promise.resolve().then(() => console.info("waited")));
  event.respondWith(new Response(`hello from ${event.type}`));
});

addEventListener("fetch", {
  async handleEvent(event) {
    if (event.request.url.endsWith("/object")) event.respondWith(new Response("an object"));
  },
});

const never = (event: FetchEvent): void => event.respondWith(new Response("never"));
addEventListener("fetch", never);
removeEventListener("fetch", never);
