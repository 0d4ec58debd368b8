// What the pages of lists gain by a script: dropping a file, rows and progress without loading the page again, charts.
// Everything works without it: whatever is done here is a link or a form of the page too.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const ROWS_EVERY_MS = 2000;
  const TYPING_MS = 400;
  const MOST_PARTS = 100;
  const AGAIN_MS = 2000;
  const BLINK_MS = 2500;

  // A part of the page, made anew: what was opened stays open, and the keyboard stays where it was.
  const replace = (shown, html) => {
    const open = [...shown.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    shown.innerHTML = html;
    for (const id of open) byId(id)?.setAttribute("open", "");
    if (focused) byId(focused)?.focus({ preventScroll: true });
    verifierCharts.draw(shown);
  };
  // That the service cannot be reached is said, once it is more than the blink of a restart, until it is back.
  let silence = null;
  const reached = (answered) => {
    const show = (lost) => byId("lost")?.toggleAttribute("hidden", !lost);
    if (!answered) {
      silence ??= setTimeout(show, BLINK_MS, true);
      return;
    }
    clearTimeout(silence);
    silence = null;
    show(false);
  };
  // The answer; null where there is none, or it is the page to log in, which is then gone to.
  const ask = async (url) => {
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/login") location.assign(answer.url);
      else if (answer.status < 500) {
        reached(true);
        return answer;
      }
    } catch {
      // nobody listens: as good as a 5xx
    }
    reached(false);
    return null;
  };
  const get = async (url) => {
    const answer = await ask(url);
    return answer?.ok ? await answer.text() : null;
  };

  const mainOf = (html) => new DOMParser().parseFromString(html, "text/html").getElementById("main");

  const form = document.querySelector("form.drop");
  if (form) {
    const input = form.querySelector("input[type=file]");
    const uploading = form.querySelector(".uploading");
    const dropping = form.querySelector(".dropping");
    const broken = form.querySelector(".broken");
    const refused = form.querySelector(".refused");
    const several = form.querySelector(".several");
    const over = (inside) => {
      form.classList.toggle("over", inside);
      dropping.hidden = !inside;
    };
    const bar = uploading.querySelector("progress");
    const send = () => {
      const sending = new XMLHttpRequest();
      sending.upload.addEventListener("progress", (event) => {
        bar.max = event.total;
        bar.value = event.loaded;
      });
      sending.upload.addEventListener("load", () => bar.removeAttribute("value"));
      sending.addEventListener("load", () => {
        if (sending.status < 400) {
          location.assign(sending.responseURL);
          return;
        }
        uploading.hidden = true;
        refused.textContent = mainOf(sending.responseText)?.querySelector(".bad")?.textContent ?? "";
        refused.hidden = !refused.textContent;
        broken.hidden = !refused.hidden;
      });
      sending.addEventListener("error", () => {
        uploading.hidden = true;
        broken.hidden = false;
      });
      sending.open("POST", form.action);
      sending.setRequestHeader("Accept", "text/html");
      sending.send(new FormData(form));
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!uploading.hidden) return;
      uploading.hidden = false;
      broken.hidden = refused.hidden = several.hidden = true;
      bar.removeAttribute("value");
      send();
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
      const files = event.dataTransfer.files;
      several.hidden = files.length < 2;
      if (files.length !== 1) return;
      input.files = files;
      form.requestSubmit();
    });
    addEventListener("pageshow", () => {
      uploading.hidden = true;
    });
  }

  // Rows: filter, search and further pages, with an address that can be kept and gone back to.
  let wanted = 0;
  const loadRows = async () => {
    const found = byId("rows-found");
    if (!found) return;
    const mine = ++wanted;
    found.setAttribute("aria-busy", "true");
    let html = await get(found.dataset.part + location.search);
    // What is looked for may stand far down: parts of a long list without any such row are passed over.
    for (let parts = 0; html !== null && mine === wanted && parts < MOST_PARTS; parts++) {
      const part = new DOMParser().parseFromString(html, "text/html");
      const further = part.getElementById("rows-next");
      if (part.querySelector("table.rows") || !further) break;
      html = await get(found.dataset.part + new URL(further.href).search);
    }
    if (mine !== wanted) return;
    found.removeAttribute("aria-busy");
    if (html !== null && found.isConnected) replace(found, html);
  };
  const goTo = async (search) => {
    history.pushState(null, "", location.pathname + search);
    await loadRows();
    const told = document.querySelector("#rows-found [data-told]");
    if (told) byId("rows-told").textContent = told.dataset.told;
  };
  const asked = (filter) => {
    const chosen = new URLSearchParams([...new FormData(filter)].filter(([, value]) => value));
    return chosen.size ? `?${chosen}` : "";
  };
  let typing = 0;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.filter")) return;
    event.preventDefault();
    clearTimeout(typing);
    goTo(asked(event.target));
  });
  document.addEventListener("input", (event) => {
    const filter = event.target.closest("form.filter");
    if (!filter) return;
    clearTimeout(typing);
    typing = setTimeout(() => goTo(asked(filter)), event.target.matches("select") ? 0 : TYPING_MS);
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a.part");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    await goTo(new URL(link.href).search);
    byId("rows")?.scrollIntoView();
  });
  addEventListener("popstate", () => {
    const chosen = new URLSearchParams(location.search);
    for (const field of document.querySelectorAll("form.filter [name]")) field.value = chosen.get(field.name) ?? "";
    loadRows();
  });

  // The preview shows the column that is chosen, which may stand far to the right.
  const showColumn = () => {
    const chosen = byId("column");
    const table = document.querySelector("table.asis");
    if (!chosen?.value || !table) return;
    for (const row of table.rows)
      [...row.cells].forEach((cell, column) => cell.classList.toggle("chosen", column + 1 === Number(chosen.value)));
    const heading = table.querySelector("th.chosen");
    if (heading) table.parentElement.scrollLeft = heading.offsetLeft - table.parentElement.clientWidth / 3;
  };
  document.addEventListener("change", (event) => {
    if (event.target.id === "column") showColumn();
  });

  // What comes without being asked for: a page says when it wants to be made anew;
  // of a list on its way events say that something has changed, and the page's parts say what.
  const renewWhole = async () => {
    const answer = await ask(location.href);
    if (answer === null) {
      setTimeout(renewWhole, AGAIN_MS);
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    replace(byId("main"), page.getElementById("main").innerHTML);
    showColumn();
    listen();
  };
  const paced = (work, pause) => {
    let busy = false;
    let again = false;
    const run = async () => {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      again = false;
      await work();
      setTimeout(() => {
        busy = false;
        if (again) run();
      }, pause);
    };
    return run;
  };
  const renewProgress = paced(async () => {
    const shown = document.querySelector("[data-events]");
    const html = shown && (await get(shown.dataset.part));
    if (html && shown.isConnected) replace(shown, html);
  }, 500);
  const renewRows = paced(async () => {
    if (!document.hidden) await loadRows();
  }, ROWS_EVERY_MS);
  let events = null;
  const listen = () => {
    events?.close();
    events = null;
    const again = document.querySelector("[data-again]");
    if (again) setTimeout(renewWhole, Number(again.dataset.again));
    const moving = document.querySelector("[data-events]");
    if (!moving) return;
    events = new EventSource(moving.dataset.events);
    const hear = (event) => {
      if (JSON.parse(event.data).status !== moving.dataset.state) {
        events?.close();
        renewWhole();
        return;
      }
      renewProgress();
      renewRows();
    };
    // A stream that broke off is taken up by the browser. One that was refused is not: the list is gone, or the session.
    events.addEventListener("open", () => reached(true));
    events.addEventListener("error", () => {
      if (events?.readyState === EventSource.CLOSED) setTimeout(renewWhole, AGAIN_MS);
      reached(false);
    });
    events.addEventListener("state", hear);
    events.addEventListener("progress", hear);
  };

  verifierCharts.draw(document);
  showColumn();
  listen();
})();
