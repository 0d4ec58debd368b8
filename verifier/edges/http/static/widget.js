/*
 * The sign-up widget: advises whoever types an address into a form, and keeps nobody out.
 *
 *   <script src="https://verifier.example.org/widget.js" data-key="vfp_..." async></script>
 *
 * It watches every <input type="email"> (and what has the attribute data-verifier), shows one sentence below it and,
 * where a typing error is likely, a button that puts it right. The form gets a hidden field, verifier_token, for its
 * server. A form is never held back: where the service is slow, gone or says no, it is sent all the same.
 *
 * On the script: data-key (the publishable key), data-policy (signup or signup_strict), data-lang (en or fr; else the
 * page's), data-timeout (milliseconds, 4000). Each answer is also an event on the input: "verifier:result".
 */
(function () {
  'use strict';
  var script = document.currentScript;
  if (!script || !window.fetch || !window.AbortController) return;
  if (window.verifierWidget) return; /* a page may bring it with each of its forms: once is enough */
  window.verifierWidget = true;
  var settings = script.dataset;
  var url = new URL('/v1/widget/verify', script.src).href;
  var timeout = Number(settings.timeout) || 4000;
  var written = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  var watched = new Map();
  var count = 0;

  var pressed = false;
  var postponed = [];

  /* A sentence that came while a button is held down would move the button away, and the click would be lost. */
  function whenReleased(act) {
    if (pressed) postponed.push(act);
    else act();
  }

  function release() {
    setTimeout(function () {
      pressed = false;
      postponed.splice(0).forEach(function (act) { act(); });
    });
  }

  document.addEventListener('pointerdown', function () { pressed = true; }, true);
  document.addEventListener('pointerup', release, true);
  document.addEventListener('pointercancel', release, true);
  window.addEventListener('blur', release);

  function language() {
    var wanted = (settings.lang || document.documentElement.lang || navigator.language || 'en').slice(0, 2);
    return wanted.toLowerCase() === 'fr' ? 'fr' : 'en';
  }

  function isField(element) {
    if (!(element instanceof HTMLInputElement) || element.multiple) return false;
    return element.type === 'email' || element.hasAttribute('data-verifier');
  }

  function place(input) {
    var field = watched.get(input);
    if (field) return field;
    var line = document.createElement('div');
    line.id = 'verifier-advice-' + ++count;
    line.className = 'verifier-advice';
    line.setAttribute('role', 'status');
    line.setAttribute('aria-live', 'polite');
    input.insertAdjacentElement('afterend', line);
    var others = input.getAttribute('aria-describedby');
    input.setAttribute('aria-describedby', others ? others + ' ' + line.id : line.id);
    field = { line: line, asked: '', request: null, token: null };
    watched.set(input, field);
    return field;
  }

  /* Frameworks take inputs out of a page one by one: what stood beside them must not stay behind. */
  function tidy() {
    watched.forEach(function (field, input) {
      if (input.isConnected) return;
      clear(field);
      field.line.remove();
      watched.delete(input);
      var others = (input.getAttribute('aria-describedby') || '').split(' ');
      input.setAttribute('aria-describedby', others.filter(function (id) { return id !== field.line.id; }).join(' '));
    });
  }

  new MutationObserver(tidy).observe(document.documentElement, { childList: true, subtree: true });

  function clear(field) {
    if (field.request) field.request.abort();
    field.request = null;
    field.asked = '';
    field.line.textContent = '';
    delete field.line.dataset.decision;
    if (field.token) field.token.remove();
    field.token = null;
  }

  function keepToken(input, field, token) {
    if (!token || !input.form) return;
    field.token = document.createElement('input');
    field.token.type = 'hidden';
    field.token.name = 'verifier_token';
    field.token.value = token;
    input.form.appendChild(field.token);
  }

  function show(input, field, answer) {
    field.line.dataset.decision = answer.decision;
    field.line.textContent = answer.sentence;
    if (answer.suggestion) {
      var button = document.createElement('button');
      button.type = 'button';
      button.className = 'verifier-suggestion';
      button.textContent = answer.suggestion;
      button.setAttribute('aria-label', (language() === 'fr' ? 'Remplacer par ' : 'Change to ') + answer.suggestion);
      button.addEventListener('click', function () {
        clear(field);
        written.set.call(input, answer.suggestion); /* past what React puts before it, or React hears of no change */
        input.dispatchEvent(new Event('input', { bubbles: true }));
        input.dispatchEvent(new Event('change', { bubbles: true }));
        input.focus();
      });
      field.line.append(' ', button);
    }
    keepToken(input, field, answer.token);
    input.dispatchEvent(new CustomEvent('verifier:result', { bubbles: true, detail: answer }));
  }

  function ask(input) {
    var field = place(input);
    var email = input.value.trim();
    if (email === field.asked) return;
    clear(field);
    if (!email) return;
    field.asked = email;
    var request = (field.request = new AbortController());
    var alarm = setTimeout(function () { request.abort(); }, timeout);
    fetch(url, {
      method: 'POST',
      mode: 'cors',
      credentials: 'omit',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + (settings.key || '') },
      body: JSON.stringify({ email: email, policy: settings.policy || 'signup', lang: language() }),
      signal: request.signal
    })
      .then(function (response) { return response.ok ? response.json() : null; })
      .then(function (answer) {
        whenReleased(function () { if (answer && field.request === request) show(input, field, answer); });
      })
      .catch(function () { /* slow, gone, refused: the form goes on as if nobody had asked */ })
      .then(function () { clearTimeout(alarm); });
  }

  document.addEventListener('change', function (event) { if (isField(event.target)) ask(event.target); });
  document.addEventListener('input', function (event) {
    var field = isField(event.target) && watched.get(event.target);
    if (field && event.target.value.trim() !== field.asked) clear(field);
  });
  document.addEventListener('reset', function (event) {
    setTimeout(function () {
      watched.forEach(function (field, input) {
        if (input.form === event.target && input.value.trim() !== field.asked) clear(field);
      });
    });
  });
  document.addEventListener('focusin', function (event) { if (isField(event.target)) place(event.target); });
})();
