// All of `debug` where DEBUG is set. Else its own core, with nothing to write to: its other half loads
// `node:tty`, opens a stream of stderr and asks it for its colours, for messages that nobody wants.
const nothing = () => {};

module.exports =
  process.env.DEBUG === undefined
    ? require('./common.js')({
        colors: [0],
        formatArgs: nothing,
        load: nothing,
        log: nothing,
        save: nothing,
        useColors: () => false,
      })
    : require('./node.js');
