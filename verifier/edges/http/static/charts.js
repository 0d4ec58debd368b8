// Draws the charts of pages by Chart.js, each from the table that stands beside it: the table is what is read aloud,
// printed, and seen without a script.
//   <div class="chart" data-of="ID of the table" data-kind="ring|bars" hidden></div>
//   <tr data-value="12" data-colour="deliverable"><th>label</th> …
const verifierCharts = (() => {
  "use strict";
  const BAR_PX = 26;
  const LINE_PX = 14;
  const AXIS_PX = 48;
  const NARROW_PX = 480;
  const MOST_BARS = 8;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const wrapped = (text, most) => {
    const lines = [""];
    for (const word of text.split(/[ \n]+/)) {
      const last = lines.length - 1;
      if (lines[last] && lines[last].length + word.length >= most) lines.push(word);
      else lines[last] = lines[last] ? `${lines[last]} ${word}` : word;
    }
    return lines;
  };

  const rowsOf = (table) =>
    [...table.querySelectorAll("tr[data-value]")].map((row) => ({
      label: row.querySelector("th").textContent.trim(),
      value: Number(row.dataset.value),
      colour: colour(row.dataset.colour),
    }));

  const ring = (rows) => ({
    type: "doughnut",
    data: {
      labels: rows.map((row) => row.label),
      datasets: [
        {
          data: rows.map((row) => row.value),
          backgroundColor: rows.map((row) => row.colour),
          borderColor: colour("paper"),
          borderWidth: 2,
        },
      ],
    },
    options: { cutout: "64%" },
  });

  const bars = (rows, width, language) => {
    const narrow = width < NARROW_PX;
    const most = narrow ? 19 : 42;
    const labels = rows.map((row) => wrapped(row.label, most));
    return {
      type: "bar",
      data: {
        labels,
        datasets: [
          {
            data: rows.map((row) => row.value),
            backgroundColor: rows.map((row) => row.colour),
            borderRadius: 4,
            maxBarThickness: 20,
            minBarLength: 2,
          },
        ],
      },
      options: {
        indexAxis: "y",
        locale: language,
        scales: {
          x: { grid: { color: colour("line") }, ticks: { color: colour("soft"), precision: 0, maxTicksLimit: narrow ? 3 : 5 } },
          y: { grid: { display: false }, ticks: { color: colour("ink"), autoSkip: false, font: { size: narrow ? 11 : 12 } } },
        },
      },
    };
  };

  const drawOne = (place) => {
    const table = document.getElementById(place.dataset.of);
    const shown = table ? rowsOf(table).filter((row) => row.value > 0) : [];
    const rows = place.dataset.kind === "ring" ? shown : shown.slice(0, MOST_BARS);
    place.hidden = rows.length === 0;
    if (place.hidden) return;
    const old = place.querySelector("canvas");
    if (old) {
      Chart.getChart(old)?.destroy();
      old.remove();
    }
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", place.dataset.label);
    place.append(canvas);
    const drawing =
      place.dataset.kind === "ring" ? ring(rows) : bars(rows, place.clientWidth, document.documentElement.lang);
    if (place.dataset.kind !== "ring") {
      const tallest = Math.max(...drawing.data.labels.map((label) => label.length));
      place.style.height = `${AXIS_PX + rows.length * Math.max(BAR_PX, 6 + LINE_PX * tallest)}px`;
    }
    Object.assign(drawing.options, {
      animation: false,
      maintainAspectRatio: false,
      plugins: { legend: { display: false }, tooltip: { displayColors: false } },
    });
    new Chart(canvas, drawing);
  };

  const draw = (root) => {
    for (const chart of Object.values(Chart.instances)) if (!chart.canvas.isConnected) chart.destroy();
    for (const place of root.querySelectorAll(".chart[data-of]")) drawOne(place);
  };

  if (typeof Chart === "undefined") return { draw: () => {} };
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(document));
  return { draw };
})();
