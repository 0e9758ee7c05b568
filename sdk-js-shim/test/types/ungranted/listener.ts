// An application by the event `fetch`, whatever `lib` is there. It imports nothing: the types of its stores do.

const answer = async (event: FetchEvent): Promise<Response> => {
  event.waitUntil(Promise.resolve());
  return new Response(event.request.url);
};

addEventListener("fetch", (event) => event.respondWith(answer(event)));
addEventListener("fetch", { handleEvent: (event) => event.respondWith(new Response(event.type)) });
const listen = (event: FetchEvent): void => event.respondWith(new Response("named"));
addEventListener("fetch", listen);
removeEventListener("fetch", listen);

addEventListener("fetch", (event) => {
  // @ts-expect-error a response is due
  event.respondWith("text");
  // @ts-expect-error there is no server behind the application
  event.passThroughOnException();
  // @ts-expect-error stores are opened by their names
  event.env;
});
// @ts-expect-error a listener is given an event
addEventListener("fetch", (event: string) => event.length);
