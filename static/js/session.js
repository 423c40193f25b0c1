/* Comfort of the session form: keys in a pain question, "None" alone, saving with Ctrl+Enter. All values come from the server. */
(() => {
  "use strict";
  const form = document.getElementById("session");
  if (!form) return;

  // "None" excludes the others, as the server would say at the latest.
  form.addEventListener("input", event => {
    if (event.target.name !== "effects") return;
    const pills = [...form.querySelectorAll("[name=effects]")];
    const none = pills.find(pill => pill.value === "none");
    if (event.target === none && none.checked) pills.forEach(pill => { pill.checked = pill === none; });
    else if (event.target.checked) none.checked = false;
  });

  // Somebody saved this session from another page meanwhile: the answer says so in place, and nothing typed is touched.
  form.addEventListener("htmx:beforeSwap", event => {
    if (event.detail.xhr.status !== 409 || !event.detail.serverResponse.includes("#clash")) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });

  // A draft that did not reach the server says so where it says "saved", is sent again by itself, and holds the page until it did.
  const unsent = document.getElementById("unsent");
  let waits = false;
  const resend = () => { if (waits) form.dispatchEvent(new Event("change")); };
  const notSent = event => {
    event.stopPropagation();
    document.getElementById("saved").replaceChildren(unsent.content.cloneNode(true));
    waits = true;
  };
  if (unsent) {
    form.addEventListener("htmx:sendError", notSent);
    form.addEventListener("htmx:responseError", event => { if (event.detail.xhr.status >= 500) notSent(event); });
    form.addEventListener("htmx:afterRequest", event => { if (event.detail.successful) waits = false; });
    form.addEventListener("submit", () => { waits = false; });
    addEventListener("online", resend);
    setInterval(resend, 15000);
    addEventListener("beforeunload", event => { if (waits) event.preventDefault(); });
  }

  // After a refusal: a question answered since loses its sentence, its marks and its line above; one wrong in another way says so.
  const retell = () => {
    const told = new Map([...form.querySelectorAll("#told input")].map(one => [`id_${one.value.split("=")[0]}`, one.dataset.says]));
    form.querySelectorAll(".msg[id]").forEach(message => {
      const id = message.id.replace(/_error(_\d+)?$/, "");
      const line = form.querySelector(`#errors a[href="#${id}"], #errors a[href="#${id}_0"]`);
      if (!told.has(id)) {
        line?.closest("li").remove();
        message.remove();
        form.querySelectorAll(`[aria-describedby~="${message.id}"]`).forEach(one => {
          const rest = one.getAttribute("aria-describedby").split(" ").filter(part => part !== message.id);
          if (rest.length) one.setAttribute("aria-describedby", rest.join(" "));
          else one.removeAttribute("aria-describedby");
        });
        form.querySelectorAll(`[name="${id.slice(3)}"]`).forEach(one => one.removeAttribute("aria-invalid"));
      } else if (told.get(id)) {
        message.querySelector("span").lastChild.textContent = told.get(id);
        if (line) line.textContent = told.get(id);
      }
    });
    form.querySelectorAll(".wrong").forEach(box => { if (!box.querySelector(".msg")) box.classList.remove("wrong"); });
    form.querySelectorAll("#errors li:not(:has(a))").forEach(line => line.remove());
    const summary = document.getElementById("errors");
    if (!summary || summary.querySelector("li")) return;
    summary.remove();
    document.title = document.title.replace(/^[^:]*:\s+/, "");
  };
  form.addEventListener("htmx:afterOnLoad", () => { if (form.querySelector(".msg[id], #errors")) retell(); });

  // 0 to 9 and T for ten choose, but only while the focus is inside that question.
  const choose = (question, value) => {
    const radio = question.querySelector(`input[value="${value}"]`);
    if (!radio) return;
    radio.checked = true;
    radio.focus();
    radio.dispatchEvent(new Event("input", { bubbles: true }));
  };
  form.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button[value=save]"));
      return;
    }
    const question = event.target.closest("[data-keys]");
    if (!question || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9t]$/i.test(event.key)) return;
    event.preventDefault();
    choose(question, /t/i.test(event.key) ? "10" : event.key);
  });
})();
