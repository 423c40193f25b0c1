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
