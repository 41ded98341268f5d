// A recipe being changed: what each field holds, what it held before, and the settings that make the difference.

/**
 * @typedef {{ path: string, label: string, help: string, choices: string[], options: Record<string, Field[]>, default: string }} Field
 * @typedef {{ title: string, fields: Field[] }} Section as GET /api/recipes describes the form
 */

const NUMBER = /^[+-]?(\d[\d_]*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A bare text as TOML takes it inside a table. @param {string} text */
const quoted = (text) => (NUMBER.test(text) || /^(true|false|\[.*\])$/s.test(text) ? text : JSON.stringify(text));

export class Draft {
  /** @type {Map<string, string>} */
  #changed = new Map();
  /** @type {Map<string, Field>} */
  #fields = new Map();
  /** @type {Record<string, string>} */
  #base;

  /** @param {Section[]} form @param {Record<string, string>} settings the recipe's values by path */
  constructor(form, settings) {
    this.form = form;
    const add = (field) => { this.#fields.set(field.path, field); Object.values(field.options).flat().forEach(add); };
    form.forEach((section) => section.fields.forEach(add));
    this.#base = this.#gather(settings);
  }

  /** Values of deeper paths than the form has (a schedule's) become one inline table. @param {Record<string, string>} settings */
  #gather(settings) {
    /** @type {Record<string, string>} */
    const base = {}, tables = /** @type {Record<string, string[]>} */ ({});
    for (const [path, text] of Object.entries(settings)) {
      const owner = this.#fields.has(path) ? path : this.nearest(path);
      if (owner === null || owner === path) base[path] = text;
      else (tables[owner] ??= []).push(`${path.slice(owner.length + 1)} = ${quoted(text)}`);
    }
    for (const [path, entries] of Object.entries(tables)) base[path] = `{ ${entries.join(", ")} }`;
    return base;
  }

  /** The field that a path of an error is about: itself, a part's name, or the one that holds it. @param {string} path @returns {string | null} */
  nearest(path) {
    for (let at = path; at; at = at.slice(0, Math.max(at.lastIndexOf("."), 0))) {
      if (this.#fields.has(at)) return at;
      if (this.#fields.has(`${at}.name`)) return `${at}.name`;
    }
    return null;
  }

  /** The part that a field is an option of. @param {string} path @returns {Field | null} */
  #partOf(path) {
    const part = this.#fields.get(`${path.slice(0, path.lastIndexOf("."))}.name`);
    return part && part.path !== path ? part : null;
  }

  /** What a field holds when nobody changed it. @param {Field} field */
  before({ path, default: given }) {
    const part = this.#partOf(path);
    const isAnother = part !== null && this.value(part) !== this.#base[part.path];
    return isAnother ? given : this.#base[path] ?? given;
  }

  /** @param {Field} field */
  value(field) { return this.#changed.get(field.path) ?? this.before(field); }

  /** @param {Field} field */
  isChanged(field) { return this.#changed.has(field.path); }

  /** Another part comes with its own options: those of the one before are forgotten. @param {Field} field @param {string} text */
  set(field, text) {
    const before = this.before(field);
    if (text === before) this.#changed.delete(field.path);
    else this.#changed.set(field.path, text);
    if (!this.isPart(field)) return;
    const prefix = field.path.slice(0, -"name".length);
    for (const path of [...this.#changed.keys()]) if (path.startsWith(prefix) && path !== field.path) this.#changed.delete(path);
  }

  /** @param {Field} field */
  isPart(field) { return Object.keys(field.options).length > 0; }

  /** The options of the part that a field names. @param {Field} field @returns {Field[]} */
  options(field) { return field.options[this.value(field)] ?? []; }

  /** Every field that counts now, a part's options behind it. @returns {Field[]} */
  fields() { return this.form.flatMap((section) => section.fields.flatMap((field) => [field, ...this.options(field)])); }

  /** @param {string} path @returns {Field | null} the field, if it counts now */
  find(path) { return this.fields().find((field) => field.path === path) ?? null; }

  /** What differs from the recipe, as `--set` takes it. */
  settings() { return this.fields().filter((field) => this.isChanged(field)).map((field) => `${field.path}=${this.value(field)}`); }

  /** Take over settings; those whose field does not count are left out. @param {string[]} settings */
  apply(settings) {
    const pairs = settings.map((setting) => [setting.slice(0, setting.indexOf("=")), setting.slice(setting.indexOf("=") + 1)]);
    pairs.sort(([one], [other]) => Number(other.endsWith(".name")) - Number(one.endsWith(".name")));
    for (const [path, text] of pairs) {
      const field = this.find(path);
      if (field) this.set(field, text);
    }
  }
}
