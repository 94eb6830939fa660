// Charts: ECharts with the page's colours, each with its numbers as a table beneath. A chart is drawn
// when it comes into view.
'use strict';

const MOST_BARS = 60;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
const palette = (i) => colour(`c${i % 8}`);

const drawn = new Set();  // charts that are on the page

class Chart {
  // `option`: makes ECharts' option, given whether there is little room; `label`: what the chart
  // shows, in words.
  constructor(label, height, option, {canvas = false, onclick = null} = {}) {
    this.option = option;
    this.canvas = canvas;
    this.onclick = onclick;
    this.instance = null;
    this.node = el('div', {class: 'chart', role: 'img', 'aria-label': label});
    this.node.style.height = `${height}px`;
    for (const other of [...drawn]) {
      if (other.instance && !other.node.isConnected) {
        other.draw();  // it is gone from the page: that lets it go
      }
    }
    drawn.add(this);
    seen.observe(this.node);
    chartOf.set(this.node, this);
  }
  draw() {
    if (!this.node.isConnected) {
      drawn.delete(this);
      this.dispose();
      return;
    }
    if (!this.instance) {
      this.instance = echarts.init(this.node, null, {renderer: this.canvas ? 'canvas' : 'svg'});
      if (this.onclick) {
        this.instance.on('click', this.onclick);
      }
    }
    this.instance.setOption(withTheme(this.option(this.node.clientWidth < 560)), true);
  }
  dispose() {
    if (this.instance) {
      this.instance.dispose();
      this.instance = null;
    }
  }
}

const chartOf = new WeakMap();
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      seen.unobserve(entry.target);
      chartOf.get(entry.target).draw();
    }
  }
}, {rootMargin: '200px'});

function redrawAll() {
  for (const chart of [...drawn]) {
    if (chart.instance) {
      chart.draw();
    }
  }
}
window.addEventListener('resize', () => {
  for (const chart of drawn) {
    if (chart.instance && chart.node.isConnected) {
      chart.instance.resize();
      chart.draw();
    }
  }
});
window.addEventListener('beforeprint', () => {
  for (const chart of [...drawn]) {
    chart.draw();
  }
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);

function withTheme(option) {
  const text = {color: colour('text')};
  const axis = (one) => ({
    nameTextStyle: text, ...one,
    axisLabel: {color: colour('text'), hideOverlap: true, ...(one.axisLabel || {})},
    axisLine: {lineStyle: {color: colour('quiet')}},
    splitLine: {lineStyle: {color: colour('line')}, ...(one.splitLine || {})},
  });
  const axes = (some) => (Array.isArray(some) ? some.map(axis) : some && axis(some));
  return {
    animation: false,
    textStyle: {fontFamily: 'inherit'},
    color: [0, 1, 2, 3, 4, 5, 6, 7].map(palette),
    ...option,
    tooltip: {
      backgroundColor: colour('ground'), borderColor: colour('quiet'), textStyle: {...text, fontSize: 13},
      confine: true, ...option.tooltip,
    },
    xAxis: axes(option.xAxis),
    yAxis: axes(option.yAxis),
  };
}

// A tooltip of lines, as elements.
function tip(...lines) {
  return el('div', {}, lines.filter(Boolean).map((line) => el('div', {}, line)));
}

// What the colours mean. `parts`: [{name, colour, symbol}].
function legend(parts) {
  return el('ul', {class: 'legend'}, parts.map(({name, colour: own, symbol}) => {
    const mark = el('span', {'aria-hidden': 'true'}, symbol || '\u25A0');
    mark.style.color = `var(--${own})`;
    return el('li', {}, mark, name);
  }));
}

// Few words at an axis.
function shortName(text) {
  return text.length > 34 ? `${text.slice(0, 15)}\u2026${text.slice(-18)}` : text;
}

// Stacked horizontal bars. `rows`: [{name, figures}], a figure for each of `parts` ({name, colour}).
// `of`: what a row is. Of many rows those with the largest sums, in their order. `share`: each bar is
// 100%. `mark`: {name}, and each row's `mark` is a figure that is marked across its bar.
function stackedBars(label, rows, parts, {unit, of, share = false, note = '', mark = null}) {
  const sum = (row) => row.figures.reduce((total, figure) => total + (figure.value || 0), 0);
  const largest = [...rows].sort((a, b) => sum(b) - sum(a)).slice(0, MOST_BARS);
  const kept = rows.filter((row) => largest.includes(row));
  const dropped = rows.length - kept.length;
  const chart = new Chart(label, 40 + 26 * kept.length, (narrow) => ({
    grid: {left: 8, right: 24, top: 4, bottom: 8, containLabel: true},
    tooltip: {trigger: 'axis', axisPointer: {type: 'shadow'}, formatter: (items) => tip(kept[items[0].dataIndex].name,
      ...parts.map((part, i) => `${part.name}: ${kept[items[0].dataIndex].figures[i].text}`),
      mark && `${mark.name}: ${kept[items[0].dataIndex].mark.text}`)},
    xAxis: {type: 'value', max: share ? 1 : null, axisLabel: {formatter: (value) => formatted(value, unit)}},
    yAxis: {type: 'category', inverse: true, data: kept.map((row) => shortName(row.name)), splitLine: {show: false},
      axisLabel: narrow ? {width: 110, overflow: 'truncate'} : {}},
    series: parts.map((part, i) => ({
      name: part.name, type: 'bar', stack: 'all', barMaxWidth: 22, itemStyle: {color: colour(part.colour)},
      data: kept.map((row) => row.figures[i].value),
    })).concat(mark ? [{name: mark.name, type: 'scatter', symbol: 'rect', symbolSize: [3, 24], z: 5, silent: true,
      itemStyle: {color: colour('text')}, data: kept.map((row, i) => [row.mark.value, i])}] : []),
  }));
  const table = new Table(label, [of, ...parts.map((part) => part.name)], rows.map((row) => [row.name, ...row.figures]));
  return [legend(mark ? [...parts, {name: mark.name, colour: 'text', symbol: '\u2759'}] : parts), chart.node,
    dropped ? el('p', {class: 'quiet'}, 'The chart has the ', counter('bars', kept.length), ' that take most, of ', counter('bars', rows.length), '; the table has all.') : null,
    note ? el('p', {class: 'quiet'}, note) : null,
    numbers(table)];
}

function numbers(table) {
  return el('details', {}, el('summary', {}, 'The numbers'), table.node);
}
