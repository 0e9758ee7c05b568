// An application that listens to the event `fetch`.

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function later(url: URL): Promise<Response> {
  await pause(5);
  return new Response(`later ${url.pathname}`);
}

function listen(event: FetchEvent): void {
  const url = new URL(event.request.url);
  switch (url.pathname) {
    case "/now":
      return event.respondWith(new Response(`${event.type} now`));
    case "/later":
      event.waitUntil(pause(20).then(() => console.info("waited")));
      return event.respondWith(later(url));
    case "/left":
      event.waitUntil(Promise.reject(new TypeError("from the rest")));
      return event.respondWith(new Response("at once"));
    case "/twice":
      event.respondWith(new Response("once"));
      return event.respondWith(new Response("twice"));
    case "/throw":
      throw new Error("from the listener");
    case "/reject":
      return event.respondWith(Promise.reject(new Error("from the answer")));
  }
}

addEventListener("fetch", listen);
addEventListener("fetch", {
  handleEvent(event) {
    if (event.request.url.endsWith("/object")) event.respondWith(new Response("an object"));
  },
});
