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
    const names = [];
    if (data.baseline !== null) {
      shapes.push(across(data.baseline, token("ink-3"), ""));
      names.push([data.baseline, `baseline ${short(data.baseline)}`]);
    }
    data.lines.forEach(line => {
      shapes.push(across(line.at, token("ink-3"), "dot"));
      names.push([line.at, `${line.percent} % less ${short(line.at)}`]);
    });
    // From the lowest up, each at least a line's height above the one before: under a low baseline the lines nearly meet.
    const height = (data.maximum - data.minimum) * .09;
    let free = -Infinity;
    names.sort(([one], [other]) => one - other).forEach(([at, text]) => {
      free = Math.max(at, free);
      annotations.push(note(1, free, text, place));
      free += height;
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

  // How a line is told apart, by its place among the arms: colour is never the only cue. Everybody together has a dress of its own.
  const DRESSES = [["arm-a", "solid", "circle"], ["arm-b", "dash", "diamond"], ["arm-c", "dot", "square"], ["arm-d", "dashdot", "triangle-up"]];
  const dressOf = (line, index) => {
    const [name, dash, symbol] = line.key === "" ? ["pooled", "solid", "circle"] : DRESSES[index % DRESSES.length];
    return { colour: token(name), ink: token(line.key === "" ? name : `${name}-ink`), dash, symbol };
  };
  const strong = ink => ({ font: { size: 12.5, weight: 650, color: ink } });
  // Places side by side, so that whiskers do not cover each other.
  const dodged = (index, count) => count < 2 ? 0 : (index - (count - 1) / 2) * .36 / (count - 1);
  const whiskers = (middle, low, high, colour) => ({ type: "data", symmetric: false, array: middle.map((y, i) => y === null || high[i] === null ? 0 : high[i] - y),
    arrayminus: middle.map((y, i) => y === null || low[i] === null ? 0 : y - low[i]), color: faded(colour, .75), thickness: 1.4, width: 3 });
  // Names at the ends of lines keep a line's height apart, the order of the lines kept.
  const apart = (ends, step) => {
    let last = Infinity;
    return [...ends].sort((one, other) => other.y - one.y).map(end => ({ ...end, y: last = Math.min(end.y, last - step) }));
  };
  const lastOf = values => values.reduce((found, value, index) => value === null ? found : index, -1);
  // One line for each arm over named places, with intervals; `under` writes what stands below a place.
  const courses = (data, places, under, yaxis, top, hover, width) => {
    const slim = width < 520, count = data.lines.length, ends = [];
    const traces = data.lines.map((line, index) => {
      const dress = dressOf(line, index), at = lastOf(line.y), x = places.map((_, place) => place + dodged(index, count));
      if (at >= 0 && line.key !== "") ends.push({ x: x[at], y: line.y[at], name: line.name, ink: dress.ink });
      return { x, y: line.y, mode: "lines+markers", line: { color: dress.colour, width: 2.4, dash: dress.dash },
        marker: { symbol: dress.symbol, size: 8, color: dress.colour }, error_y: whiskers(line.y, line.lo, line.hi, dress.colour),
        customdata: places.map((place, i) => [plain(place), line.n[i], line.lo[i], line.hi[i], line.k ? line.k[i] : 0]),
        hovertemplate: `${plain(line.name)}, %{customdata[0]}<br>${hover}<extra></extra>` };
    });
    // All names stand right of the rightmost line: beside their own they would write over another's whisker.
    const beside = Math.max(0, ...ends.map(end => end.x));
    const annotations = apart(ends, top / 18).map(end => note(beside, end.y, end.name, { xshift: 9, ...strong(end.ink) }));
    const longest = Math.max(0, ...ends.map(end => end.name.length));
    return [traces, layout({ margin: { l: 44, r: slim ? 16 + 6 * Math.min(longest, 8) : 20 + 7.5 * longest, t: 10, b: 30 + 16 * count }, annotations,
      xaxis: axis("", { tickvals: places.map((_, i) => i), ticktext: places.map((place, i) => [plain(place), ...data.lines.map(line => under(line, i))].join("<br>")),
        showgrid: false, range: [-.5, places.length - .5], tickangle: 0, tickfont: { size: slim ? 11 : 12.5 } }), yaxis })];
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
    // Cumulative responders: for each amount of pain relief the share with at least that much; whiskers at the plan's thresholds.
    cumulative(data) {
      const traces = [], names = [], count = data.lines.length;
      data.lines.forEach((line, index) => {
        const dress = dressOf(line, index), at = line.at.filter(point => point.y !== null);
        traces.push({ x: line.x, y: line.y, mode: "lines", line: { color: dress.colour, width: 2.6, shape: "hv", dash: dress.dash },
          hovertemplate: `${plain(line.name)}: %{y:.1f} %<br>at least %{x} % less pain<extra></extra>` });
        traces.push({ x: at.map(point => point.x + 4 * dodged(index, count)), y: at.map(point => point.y), mode: "markers",
          marker: { color: dress.colour, size: 9, symbol: dress.symbol, line: { color: token("surface"), width: 1.5 } },
          error_y: { ...whiskers(at.map(point => point.y), at.map(point => point.lo), at.map(point => point.hi), dress.colour), width: 4 },
          customdata: at.map(point => [point.x, point.k, point.n, point.lo, point.hi]),
          hovertemplate: `${plain(line.name)}, \u2265${THIN}%{customdata[0]} %<br>%{y:.1f} % (%{customdata[1]}/%{customdata[2]})<br>95 % CI %{customdata[3]:.1f} to %{customdata[4]:.1f}<extra></extra>` });
        if (line.key !== "") names.push({ line, ink: dress.ink });
      });
      // A curve only falls: above the start of the highest one is room for its name, under the others' bend for theirs.
      names.sort((one, other) => other.line.y[0] - one.line.y[0]);
      const ends = names.map(({ line, ink }, index) => ({ name: line.name, ink, y: index ? line.y[line.x.findIndex(x => x >= 17)] - 6 : line.y[0] + 6 }));
      const cuts = data.lines.length ? data.lines[0].at.map(point => point.x) : [];
      const shapes = cuts.map(cut => ({ type: "line", xref: "x", yref: "paper", x0: cut, x1: cut, y0: 0, y1: 1,
        line: { color: token("ink-3"), width: 1.2, dash: "dot" } }));
      const annotations = [...cuts.map(cut => note(cut, 1, `\u2265${THIN}${cut} %`, { yref: "paper", yanchor: "bottom", xanchor: "center" })),
        ...apart(ends, 7).map(end => note(0, Math.max(3, end.y), end.name, { xshift: 5, ...strong(end.ink) }))];
      return [traces, layout({ margin: { l: 44, r: 22, t: 24, b: 44 }, shapes, annotations,
        xaxis: axis("Less pain than at baseline, at least", { range: [-1, 101], tickvals: [0, 20, 40, 60, 80, 100], ticksuffix: " %", showgrid: false }),
        yaxis: axis("", { range: [-1, 103], dtick: 20, ticksuffix: " %" }) })];
    },
    // Share of responders at each time point, at one threshold; people due stand under the axis.
    overtime(data, width) {
      const top = Math.min(100, 20 * Math.ceil(Math.max(20, ...data.lines.flatMap(line => line.hi)) / 20));
      const under = (line, i) => `${line.key === "" ? "n" : plain(line.key)} ${line.n[i]}`;
      return courses(data, data.places, under, axis("", { range: [-1, top + 3], dtick: 20, ticksuffix: " %" }), top,
        "%{y:.1f} % (%{customdata[4]}/%{customdata[1]})<br>95 % CI %{customdata[2]:.1f} to %{customdata[3]:.1f}", width);
    },
    // Mean pain at each time point, baseline first; people with a value stand under the axis.
    means(data, width) {
      const reached = Math.max(1, ...data.lines.flatMap(line => [...line.hi, ...line.y]));
      const top = data.maximum === null ? reached * 1.1 : data.maximum;
      const under = (line, i) => `${line.key === "" ? "n" : plain(line.key)} ${line.n[i]}`;
      return courses(data, data.places, under, axis("", { range: [0, top * 1.02], dtick: top <= 10 ? 2 : undefined, nticks: 6 }), top,
        "%{y:.2f} (n %{customdata[1]})<br>95 % CI %{customdata[2]:.2f} to %{customdata[3]:.2f}", width);
    },
    // Patients taken in, as a step; where the recent rate and the limits of its interval lead is dashed and shaded.
    recruitment(data) {
      const accent = token("accent"), last = data.x[data.x.length - 1];
      const weekAfter = iso => new Date(Date.parse(iso) + 7 * 864e5).toISOString().slice(0, 10);
      const x = [...data.x, data.until || weekAfter(last)], end = x[x.length - 1], on = data.ahead.map(([iso]) => iso);
      const traces = on.length ? [
        { x: [...on, ...[...on].reverse()], y: [...data.high, ...[...data.low].reverse()], fill: "toself", mode: "lines",
          fillcolor: faded(accent, .16), line: { width: 0 }, hoverinfo: "skip" },
        { x: on, y: data.ahead.map(([, total]) => total), mode: "lines", line: { color: accent, width: 1.5, dash: "dash" },
          customdata: on.map((iso, i) => [day(iso), data.low[i], data.high[i]]),
          hovertemplate: "%{customdata[0]}<br>%{y:.0f} at this rate, %{customdata[1]:.0f} to %{customdata[2]:.0f}<extra></extra>" }] : [];
      traces.push({ x, y: [...data.y, data.total], mode: "lines", line: { color: accent, width: 3, shape: "hv" }, customdata: x.map(day),
        hovertemplate: `%{customdata}<br>%{y} ${plain(data.word)}<extra></extra>` });
      traces.push({ x: [end], y: [data.total], mode: "markers", marker: { color: accent, size: 9, line: { color: token("surface"), width: 2 } }, hoverinfo: "skip" });
      // Above the steps, but with a plan beside them below: the planned line runs where the label would be.
      const free = data.plan.length ? { xanchor: "left", xshift: 8, yshift: -12 } : { xanchor: "right", xshift: -10, yshift: 9 };
      const annotations = [note(end, data.total, `${data.total} ${data.word}`, { ...free, ...strong(accent) })];
      if (data.plan.length) {
        const [[, none], [last, all]] = data.plan, quiet = token("ink-3");
        traces.unshift({ x: data.plan.map(([iso]) => iso), y: [none, all], mode: "lines", line: { color: quiet, width: 1.5, dash: "dot" }, hoverinfo: "skip" });
        annotations.push(note(last, all, `${all} ${data.plan_word}`, { xanchor: "right", xshift: -6, yshift: 8, font: { size: 12.5, color: quiet } }));
      }
      return [traces, layout({ margin: { l: 40, r: 16, t: 14, b: 30 }, annotations,
        xaxis: axis("", { type: "date", tickformat: "%b %Y", nticks: 6, showgrid: false }), yaxis: axis("", { rangemode: "tozero", nticks: 6 }) })];
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
