// The command that does the same in a terminal.

/** A word as a POSIX shell takes it. @param {string} word */
export const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Which runs folder a command is about; none where it is the one that every command takes. @param {string} folder */
export const ofFolder = (folder) => (folder === "runs" || !folder ? [] : ["--runs", folder]);

/** Copy text; also where the page is not served over https and the clipboard is closed. @param {string} text */
export async function copy(text) {
  try { await navigator.clipboard.writeText(text); }
  catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    if (!isDone) throw new Error("The browser does not let the page copy: select the text and copy it.");
  }
}
