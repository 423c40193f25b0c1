/* Small manners of every page. All of it is comfort: each page works without it. */
(() => {
  "use strict";
  document.documentElement.classList.add("scripted");

  // After a refused form the summary takes the focus, so that a screen reader and the eye start at the same place.
  document.querySelector("[data-focus]")?.focus();

  // One press, one request: the second press of an impatient finger does nothing. The server would store it once anyway.
  document.addEventListener("submit", event => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit], button:not([type])").forEach(button => button.setAttribute("aria-disabled", "true"));
  });
  // A page taken back from the browser's history must be usable again.
  addEventListener("pageshow", event => {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach(form => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-disabled]").forEach(button => button.removeAttribute("aria-disabled"));
    });
  });

  // A part that cannot be loaded says so in place; a session that ended leads to the sign-in page instead of filling a table with it.
  const failed = () => { const bar = document.getElementById("request-failed"); if (bar) bar.hidden = false; };
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:afterRequest", event => {
    const bar = document.getElementById("request-failed");
    if (bar && event.detail.successful) bar.hidden = true;
  });
  document.addEventListener("htmx:beforeSwap", event => {
    const answer = event.detail.xhr;
    const asked = new URL(event.detail.requestConfig.path, location.href).pathname;
    if (answer.responseURL && new URL(answer.responseURL).pathname !== asked) {
      event.detail.shouldSwap = false;
      location.assign(location.href);
    }
  });
})();
