"""The studio: watch runs live in the browser and put a hand into their latent space.

    vael studio                       # serves runs/ on 127.0.0.1:8765 and opens the browser

It reads run folders and calls tasks; whatever it shows, a command or a function gives too. `app` builds the web
application, `serve` runs it, `guard` keeps strangers out, `shelf` knows the runs folder, `desk` holds one run opened
for use, `verbs` ask it, `decoding` answers a moving pointer, `trainings` starts and stops processes, `form` describes a
recipe's fields. `routes/` are the addresses, a file a subject; `page/` is what the browser loads: plain JavaScript
modules, no build step, nothing from a network.
"""
