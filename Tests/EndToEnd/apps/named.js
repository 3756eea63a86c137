'use strict';
// Tells its NAME; `/healthz` is well, `/slow-ish` takes 5 ms.
const { serve } = require('./serve');

const name = (req, res) => res.end(process.env.NAME);
serve({ '/': name, '/healthz': name, '/slow-ish': (req, res) => setTimeout(() => name(req, res), 5) });
