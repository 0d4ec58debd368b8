// What the pages of lists gain by a script: dropping a file, and progress without loading the page again.
// Everything works without it.
(() => {
  "use strict";
  const form = document.querySelector("form.drop");
  if (form) {
    const input = form.querySelector("input[type=file]");
    const uploading = form.querySelector(".uploading");
    const dropping = form.querySelector(".dropping");
    const over = (inside) => {
      form.classList.toggle("over", inside);
      dropping.hidden = !inside;
    };
    form.addEventListener("submit", () => {
      uploading.hidden = false;
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) over(false);
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      if (event.dataTransfer.files.length !== 1) return;
      input.files = event.dataTransfer.files;
      form.requestSubmit();
    });
    addEventListener("pageshow", () => {
      uploading.hidden = true;
    });
  }

  const shown = document.getElementById("progress");
  if (!shown || shown.dataset.moves !== "yes") return;
  let waiting = false;
  const renew = async () => {
    if (waiting) return;
    waiting = true;
    try {
      const answer = await fetch(shown.dataset.part, { headers: { Accept: "text/html" } });
      if (answer.ok) shown.innerHTML = await answer.text();
    } catch {
      // the service is being started again: the events tell when it is back
    }
    setTimeout(() => {
      waiting = false;
    }, 500);
  };
  const hear = (event) => {
    if (JSON.parse(event.data).status !== shown.dataset.state) location.reload();
    else renew();
  };
  const events = new EventSource(shown.dataset.events);
  events.addEventListener("state", hear);
  events.addEventListener("progress", hear);
})();
