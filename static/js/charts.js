/* Chart layer: draws each figure from the JSON beside it. No inline script, no eval: it runs under script-src 'self'. */
(() => {
  "use strict";
  const MINUS = "\u2212", THIN = "\u2009";
  // Nothing may leave the server from a chart: no toolbar, no cloud button, no address to send to.
  const CONFIG = { displayModeBar: false, showSendToCloud: false, plotlyServerURL: "", displaylogo: false, responsive: true,
    scrollZoom: false, doubleClick: false, showTips: false };

  // A custom property holds the unresolved light-dark(); the colour of an element holds what it resolved to.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const token = name => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const faded = (colour, alpha) => `rgba(${colour.match(/[\d.]+/g).slice(0, 3).join(",")},${alpha})`;
  const FONT = getComputedStyle(document.body).fontFamily;

  // Labels carry no markup but <br>: other tags become style attributes, which the policy blocks. Bold goes through font.weight.
  const plain = text => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const axis = (label, more) => ({ fixedrange: true, zeroline: false, automargin: true, showline: false, ticks: "",
    tickfont: { size: 12.5 }, gridcolor: token("grid"), linecolor: token("line-strong"),
    title: { text: label, font: { size: 12.5, color: token("ink-3") }, standoff: 8 }, ...more });
  const layout = more => ({ font: { family: FONT, size: 13, color: token("ink-2") }, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 34, r: 12, t: 10, b: 40 }, dragmode: false, showlegend: false, hovermode: "closest",
    separators: `.${THIN}`,
    hoverlabel: { bgcolor: token("ink"), bordercolor: token("ink"), font: { family: FONT, size: 13, color: token("bg") }, align: "left" },
    ...more });
  const note = (x, y, text, more) => ({ x, y, text: plain(text), showarrow: false, xanchor: "left", yanchor: "middle",
    font: { size: 12.5, color: token("ink-2") }, ...more });
  const across = (y, colour, dash) => ({ type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: y, y1: y,
    line: { color: colour, width: dash ? 1.2 : 1, dash: dash || "solid" } });
  const day = iso => new Date(`${iso}T12:00:00`).toLocaleDateString(document.documentElement.lang || "en-GB",
    { weekday: "short", day: "numeric", month: "short", year: "numeric" }).replaceAll(",", "");
  const short = value => value.toFixed(1).replace("-", MINUS);

  // Baseline and what a reduction of 30 and 50 % leaves of it; names beside the plot, on a phone inside it.
  const thresholds = (data, slim) => {
    const shapes = [], annotations = [];
    const place = slim ? { xref: "paper", xanchor: "right", yanchor: "bottom" } : { xref: "paper", xanchor: "left", xshift: 6 };
    if (data.baseline !== null) {
      shapes.push(across(data.baseline, token("ink-3"), ""));
      annotations.push(note(1, data.baseline, `baseline ${short(data.baseline)}`, place));
    }
    data.lines.forEach(line => {
      shapes.push(across(line.at, token("ink-3"), "dot"));
      annotations.push(note(1, line.at, `${line.percent} % less ${short(line.at)}`, place));
    });
    return { shapes, annotations };
  };
  // Room above the range for the names of windows; a small step below zero keeps a zero from sitting on the edge.
  const valueAxis = data => {
    const span = data.maximum - data.minimum;
    return axis("", { range: [data.minimum - span * .04, data.maximum + span * .09], dtick: span <= 10 ? 2 : undefined, nticks: 6,
      zeroline: true, zerolinecolor: token("line-strong") });
  };
  const dayStep = span => [7, 14, 28, 56, 84, 168].find(step => span / step <= 9) || 364;
  // Two windows that lie close share the room: the later name steps down a line instead of writing over the first.
  const windowNames = (windows, span, end) => {
    let lastAt = -Infinity, row = 0;
    return windows.map(part => {
      const middle = (part.from + part.to) / 2;
      row = middle - lastAt < span * .13 ? 1 - row : 0;
      lastAt = middle;
      const atEnd = middle > end - span * .1;   // a name in the middle of the last window would leave the plot
      return { x: atEnd ? end : middle, xanchor: atEnd ? "right" : "center", y: 1, yref: "paper", text: plain(part.label),
        showarrow: false, yanchor: "top", yshift: row ? -15 : 0, font: { size: 12, color: token("ink-3") } };
    });
  };

  const CHARTS = {
    // Pain of one patient day by day: dots are days, the line is the mean of the seven days up to each.
    course(data, width) {
      const slim = width < 520, accent = token("accent"), quiet = token("ink-3");
      const { shapes, annotations } = thresholds(data, slim);
      const first = Math.min(-8, ...data.day.map(value => value - 1));
      const last = Math.max(14, ...data.day.map(value => value + 2), ...data.windows.map(part => part.to + 2));
      data.windows.forEach(part => shapes.push({ type: "rect", layer: "below", xref: "x", yref: "paper", x0: part.from - .5,
        x1: part.to + .5, y0: 0, y1: 1, fillcolor: faded(quiet, .09), line: { width: 0 } }));
      if (data.today !== undefined && data.today <= last) {
        shapes.push({ type: "line", xref: "x", yref: "paper", x0: data.today, x1: data.today, y0: 0, y1: 1,
          line: { color: token("ink"), width: 1 } });
        annotations.push(note(data.today, .9, "today", { yref: "paper", yanchor: "top", xshift: 5,
          font: { size: 12.5, weight: 600, color: token("ink") } }));
      }
      if (!slim) annotations.push(...windowNames(data.windows, last - first, last));
      const traces = [
        { x: data.day, y: data.value, mode: "markers", marker: { size: 6, color: faded(accent, .4) }, customdata: data.date.map(day),
          hovertemplate: "%{customdata}, day %{x}<br>score %{y}<extra></extra>" },
        { x: data.day, y: data.mean, mode: "lines", line: { color: accent, width: 3, shape: "linear" }, connectgaps: false,
          customdata: data.date.map(day), hovertemplate: "7 days to %{customdata}<br>mean %{y:.1f}<extra></extra>" }];
      return [traces, layout({ margin: { l: 30, r: slim ? 6 : 104, t: 6, b: 40 }, shapes, annotations,
        xaxis: axis(slim ? "Days since day 0" : "Days since day 0, the day of allocation or, without one, of enrolment",
          { showgrid: false, range: [first, last], tick0: 0, dtick: dayStep(last - first) }), yaxis: valueAxis(data) })];
    },
    // The same for data without dates: one value for each named visit, in their order.
    visits(data, width) {
      const slim = width < 520, accent = token("accent");
      const { shapes, annotations } = thresholds(data, slim);
      const places = data.visit.map((_, index) => index);
      return [[{ x: places, y: data.value, mode: "lines+markers", line: { color: accent, width: 3 },
        marker: { size: 9, color: accent, line: { color: token("surface"), width: 2 } }, customdata: data.visit.map(plain),
        hovertemplate: "%{customdata}<br>%{y:.2f}<extra></extra>" }],
      layout({ margin: { l: 30, r: slim ? 6 : 104, t: 6, b: 40 }, shapes, annotations,
        xaxis: axis("", { showgrid: false, tickvals: places, ticktext: data.visit.map(plain), range: [-.3, places.length - .7] }),
        yaxis: valueAxis(data) })];
    },
    // Motor thresholds by day: the axis spans what a stimulator has, so that a small step is not drawn as a large one.
    thresholds(data) {
      const accent = token("accent");
      return [[{ x: data.date, y: data.value, mode: "lines+markers", line: { color: accent, width: 2, shape: "hv" },
        marker: { size: 8, color: accent, line: { color: token("surface"), width: 2 } }, customdata: data.date.map((iso, index) =>
          `${day(iso)}<br>${plain(data.label[index])}`), hovertemplate: "%{customdata}<br>%{y} % MSO<extra></extra>" }],
      layout({ margin: { l: 36, r: 12, t: 6, b: 40 }, xaxis: axis("", { type: "date", showgrid: false, nticks: 7, tickformat: "%-d %b %Y" }),
        yaxis: axis("", { range: [0, 102], dtick: 20 }) })];
    },
  };

  let size = { autosize: true };
  // The table under a drawn figure folds away; without script, or if drawing fails, it stays open.
  const tableOf = element => element.closest("figure")?.querySelector("details");
  const drawOne = element => {
    try {
      const data = JSON.parse(document.getElementById(element.dataset.src).textContent);
      const [traces, look] = CHARTS[element.dataset.chart](data, element.clientWidth);
      Plotly.react(element, traces, { ...look, ...size }, CONFIG);
      if (!element.dataset.drawn) tableOf(element)?.removeAttribute("open");
      element.dataset.drawn = "1";
    } catch (error) {
      const sentence = document.createElement("p");
      sentence.className = "failed";
      sentence.textContent = element.dataset.failed;
      element.replaceChildren(sentence);
      tableOf(element)?.setAttribute("open", "");
      console.error(error);
    }
  };
  const all = () => document.querySelectorAll("[data-chart]");
  const draw = () => all().forEach(drawOne);
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // Labels move inside below a certain width, so a turned tablet needs a new drawing and not only a new size.
  let turned = 0;
  addEventListener("resize", () => { clearTimeout(turned); turned = setTimeout(draw, 200); });
  // Paper is white whatever the theme; A4 less its margins is about 670 px wide.
  const onto = (scheme, paper) => { probe.style.colorScheme = scheme; size = paper; draw(); };
  addEventListener("beforeprint", () => onto("light", { autosize: false, width: 670, height: 260 }));
  addEventListener("afterprint", () => onto("", { autosize: true }));
})();
