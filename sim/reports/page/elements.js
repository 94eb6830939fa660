// What the page is built of: elements, tables, choices, and what is told of a figure that is hovered
// over. Text is always text: nothing that a report holds becomes HTML.
'use strict';

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) {
      node.append(child instanceof Shown ? figureNode(child) : child);
    }
  }
  return node;
}

const figureOf = new WeakMap();

function figureNode(figure) {
  const node = el('data', {class: 'figure', value: figure.value === null ? '' : String(figure.value), 'data-unit': figure.unit || null,
    ...figure.attributes}, figure.text);
  figureOf.set(node, figure);
  return node;
}

// A number that is counted here: how many passes, say. `how` names the way for who checks it.
function counter(how, value) {
  return el('data', {value: String(value), 'data-counted': how}, counted(value));
}

// --- what is told of a figure ----------------------------------------------------------------------

function showHover(node) {
  const hover = document.getElementById('hover');
  hover.replaceChildren(...figureOf.get(node).told.filter(Boolean).map((line) => el('p', {}, line)));
  hover.hidden = false;
  const box = node.getBoundingClientRect();
  const width = hover.offsetWidth;
  const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - width - 8));
  const below = box.bottom + 6;
  const top = below + hover.offsetHeight > window.innerHeight ? Math.max(4, box.top - hover.offsetHeight - 6) : below;
  hover.style.left = `${left + window.scrollX}px`;
  hover.style.top = `${top + window.scrollY}px`;
}

function hideHover() {
  document.getElementById('hover').hidden = true;
}

document.addEventListener('pointerover', (event) => {
  const node = event.target.closest && event.target.closest('data.figure');
  if (node) {
    showHover(node);
  } else {
    hideHover();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    hideHover();
  }
});

// --- sections and choices --------------------------------------------------------------------------

let nextId = 0;
function freshId(stem) {
  nextId += 1;
  return `${stem}-${nextId}`;
}

// `about`: [[term, explanation]], and the page of docs/ that has more.
function section(id, title, {about = [], docs = ''}, ...children) {
  const more = about.length === 0 && !docs ? null : el('details', {class: 'about'},
    el('summary', {}, 'What these figures are'),
    el('dl', {}, about.map(([term, text]) => [el('dt', {}, term), el('dd', {}, text)])),
    docs ? el('p', {class: 'quiet'}, 'More in Potomac\'s documentation: ', docsLink(docs)) : null);
  return el('section', {id, 'aria-labelledby': `${id}-title`},
    el('h2', {id: `${id}-title`}, title), ...children, more);
}

// A link to a page of the documentation's site, if its address is known.
function docsLink(page) {
  return data.docs ? el('a', {href: data.docs + page.replace('.md', '.html')}, `docs/${page}`) : el('code', {}, `docs/${page}`);
}

// A select with a label; `choices` are [value, text].
function choice(label, choices, chosen, onchange) {
  const id = freshId('choice');
  return el('label', {for: id}, label,
    el('select', {id, onchange: (event) => onchange(event.target.value)},
      choices.map(([value, text]) => el('option', {value, selected: value === chosen}, text))));
}

// --- tables ----------------------------------------------------------------------------------------

const ROWS_AT_ONCE = 200;

function textOf(cell) {
  return cell instanceof Shown ? cell.text : cell instanceof Node ? cell.textContent : String(cell ?? '');
}
function sortKey(cell) {
  if (cell instanceof Shown) {
    return cell.value;
  }
  return typeof cell === 'number' ? cell : textOf(cell);
}
function compareKeys(a, b) {
  if (a === null || b === null) {
    return (a === null) - (b === null);  // what is not known is last
  }
  return typeof a === 'number' && typeof b === 'number' ? a - b
    : String(a).localeCompare(String(b), 'en', {numeric: true});
}

// `head`: texts, or {text, title}; `rows`: arrays of texts and figures, or {cells, total, chosen}. Columns
// whose cells are figures stand to the right; `textual` says which are not, where rows are many.
class Table {
  constructor(label, head, rows, {filter = true, long = -1, textual = null, first = null} = {}) {
    this.rows = rows.map((row) => (Array.isArray(row) ? {cells: row} : row));
    this.shown = ROWS_AT_ONCE;
    this.sorted = null;
    this.asked = '';
    this.first = first;  // makes what stands in a row's first cell
    this.long = long;  // the column whose texts may take several lines
    this.keep = () => true;
    this.textual = textual || head.map((_, i) => this.rows.every((row) => !(row.cells[i] instanceof Shown) && typeof row.cells[i] !== 'number'));
    this.body = el('tbody');
    this.heads = head.map((column, i) => el('th', {
      scope: 'col', class: this.textual[i] ? 'text' : null, title: column.title || null,
    }, el('button', {type: 'button', onclick: () => this.sortBy(i)}, column.text || column)));
    this.more = el('button', {type: 'button', hidden: true, onclick: () => this.showAll()});
    this.number = el('span', {class: 'quiet', role: 'status'});
    const search = filter && rows.length > 5 ? this.searchField(label) : null;
    this.node = el('div', {}, search,
      el('div', {class: 'wide', role: 'region', 'aria-label': `Table: ${label}`, tabindex: '0'},
        el('table', {}, el('thead', {}, el('tr', {}, this.heads)), this.body)),
      this.more);
    this.render();
  }

  searchField(label) {
    const id = freshId('filter');
    return el('div', {class: 'controls'}, el('label', {for: id}, 'Show rows with',
      el('input', {id, type: 'search', 'aria-label': `Filter: ${label}`,
        oninput: (event) => { this.asked = event.target.value.toLowerCase(); this.render(); }})), this.number);
  }
  sortBy(column) {
    const down = this.sorted && this.sorted.column === column && !this.sorted.down;
    this.sorted = {column, down: Boolean(down)};
    this.heads.forEach((head, i) => {
      if (i === column) {
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      } else {
        head.removeAttribute('aria-sort');
      }
    });
    this.render();
  }
  showAll() {
    this.shown = Infinity;
    this.render();
  }
  matching() {
    const found = this.rows.filter((row) => row.total || (this.keep(row) && (this.asked === ''
      || row.cells.some((cell) => textOf(cell).toLowerCase().includes(this.asked)))));
    if (this.sorted) {
      const {column, down} = this.sorted;
      found.sort((a, b) => Boolean(a.total) - Boolean(b.total)
        || (down ? -1 : 1) * compareKeys(sortKey(a.cells[column]), sortKey(b.cells[column])));
    }
    return found;
  }
  render() {
    const found = this.matching();
    this.body.replaceChildren(...found.slice(0, this.shown).map((row) => this.rowNode(row)));
    const rest = found.length - this.shown;
    this.more.hidden = !(rest > 0);
    this.more.replaceChildren('Show ', counter('rows', found.length), ' rows');
    const all = this.rows.filter((row) => !row.total).length;
    const there = found.filter((row) => !row.total).length;
    this.number.replaceChildren(...(there === all ? [] : [counter('rows', there), ' of ', counter('rows', all)]));
  }
  rowNode(row) {
    return el('tr', {class: [row.total && 'total', row.chosen && 'chosen'].filter(Boolean).join(' ') || null},
      row.cells.map((cell, i) => el('td', {
        class: i === this.long ? 'text long' : this.textual[i] ? 'text' : null, title: this.textual[i] && i !== this.long && textOf(cell).length > 40 ? textOf(cell) : null,
      }, i === 0 && this.first ? this.first(row) : typeof cell === 'number' ? counter('cell', cell) : cell)));
  }
}
