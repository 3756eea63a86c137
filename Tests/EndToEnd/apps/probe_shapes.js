'use strict';
// Programs that answer twice over other frameworks: Connect, and small ones of the shape of Fastify, Koa with a router, Hapi, restify and
// Nest. The marks are those of probe_express.js; the first part of a path says which.
const fs = require('fs');
const connect = require('connect');
const express = require('express');
const shapes = require('shapes');
const { serve } = require('./serve');

const attempt = (call) => { try { call(); } catch (error) { /* nobody hears of it */ } };
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
if (process.env.SURVIVE) process.on('uncaughtException', () => {});

const fastify = shapes.fastify();
fastify.get('/fastify/orders/:id', (request, reply) => {
  reply.send({ order: 7 }); // first /fastify/orders/:id
  attempt(() => reply.send({ order: 'again' })); // second /fastify/orders/:id
});
fastify.get('/fastify/async/:id', async (request, reply) => {
  reply.send({ order: 7 }); // first /fastify/async/:id
  await null;
  attempt(() => reply.code(500).send({ order: 'again' })); // second /fastify/async/:id
});
fastify.get('/fastify/timer', (request, reply) => {
  reply.send('first'); // first /fastify/timer
  setTimeout(() => {
    reply.send('second'); // second /fastify/timer
  }, 5);
});
fastify.get('/fastify/timeout/:id', async (request, reply) => {
  setTimeout(() => reply.code(503).send('timeout'), 5); // first /fastify/timeout/:id
  await wait(20);
  attempt(() => reply.send('late')); // second /fastify/timeout/:id
});
fastify.get('/fastify/field', async (request, reply) => {
  reply.send('first'); // first /fastify/field
  attempt(() => reply.raw.setHeader('set-cookie', 'a=b')); // second /fastify/field
});
fastify.get('/fastify/pipe', (request, reply) => {
  reply.raw.on('error', () => {});
  reply.send(fs.createReadStream(__filename)); // second /fastify/pipe
  reply.raw.end('early'); // first /fastify/pipe
});
fastify.get('/fastify/redirect', (request, reply) => {
  reply.redirect('/ok'); // first /fastify/redirect
  attempt(() => reply.send('and on')); // second /fastify/redirect
});

const koa = shapes.koa();
koa.use(async (ctx, next) => {
  await next();
});
// The line of the probe's README.
koa.use((ctx, next) => {
  Object.defineProperty(ctx.req, Symbol.for('sendonce.route'), { get: () => ctx._matchedRoute });
  return next();
});
koa.get('/koa/orders/:id', (ctx) => {
  ctx.respond = false;
  ctx.res.end('first'); // first /koa/orders/:id
  attempt(() => ctx.res.setHeader('X-Late', '1')); // second /koa/orders/:id
});
koa.get('/koa/async', async (ctx) => {
  ctx.respond = false;
  ctx.res.end('first'); // first /koa/async
  await wait(5);
  attempt(() => ctx.res.writeHead(500)); // second /koa/async
});
koa.get('/koa/timer', async (ctx) => {
  ctx.respond = false;
  setTimeout(() => {
    ctx.res.writeHead(500); // second /koa/timer
  }, 10);
  ctx.res.end('first'); // first /koa/timer
});

const hapi = shapes.hapi();
hapi.route({ path: '/hapi/orders/{id}', handler: (request, h) => {
  request.raw.req[Symbol.for('sendonce.route')] = request.route.path;
  request.raw.res.end('first'); // first /hapi/orders/{id}
  attempt(() => request.raw.res.setHeader('X-Late', '1')); // second /hapi/orders/{id}
  return new Promise(() => {});
} });

const restify = shapes.restify();
restify.get('/restify/orders/:id', (req, res, next) => {
  res.send({ order: 7 }); // first /restify/orders/:id
  attempt(() => res.send(500, { order: 'again' })); // second /restify/orders/:id
  next();
});
restify.get('/restify/next/:id', (req, res, next) => {
  res.send({ order: 7 }); // first /restify/next/:id
  attempt(() => next(new Error('too late'))); // second /restify/next/:id
});

const nest = express();
shapes.nest(nest, '/nest/orders/:id', (req, res) => {
  res.json({ order: 7 }); // first /nest/orders/:id
  attempt(() => res.status(500).json({ order: 'again' })); // second /nest/orders/:id
});

const connected = connect();
connected.use('/connect/orders', (req, res) => {
  res.end('first'); // first /connect/orders/{id}
  attempt(() => res.setHeader('X-Late', '1')); // second /connect/orders/{id}
});
connected.use('/connect/next', (req, res, next) => {
  res.end('first'); // first /connect/next
  setTimeout(() => next(new Error('too late')), 5); // second /connect/next
});

const frameworks = { fastify: fastify.handle, koa: koa.handle, hapi: hapi.handle, restify: restify.handle, nest, connect: connected };
const handlers = new Proxy({}, { get: (target, path) => frameworks[path.split('/')[1]] });
serve(handlers);
