// OpenAI's package on chat completions; the tool loop is the package's own.

import OpenAI from 'openai';

export const connect = ({ base }) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: 'the gateway asks for none', maxRetries: 0 });

const body = ({ model, text }) => ({ model, messages: [{ role: 'user', content: text }] });

const shown = (answer) => ({
  text: answer.choices[0].message.content,
  finish: answer.choices[0].finish_reason,
  model: answer.model,
  output: answer.usage?.completion_tokens,
});

const withTool = (asked, tool) => ({
  ...body(asked),
  tools: [
    {
      type: 'function',
      function: {
        name: tool.name,
        description: tool.description,
        parameters: tool.schema,
        parse: JSON.parse,
        function: (input) => tool.run(input),
      },
    },
  ],
});

export const scenarios = {
  async plain(client, asked) {
    return shown(await client.chat.completions.create(body(asked)));
  },

  async stream(client, asked) {
    const stream = client.chat.completions.stream({ ...body(asked), stream_options: { include_usage: true } });
    let pieces = 0;
    stream.on('content', () => pieces++);
    return { ...shown(await stream.finalChatCompletion()), pieces };
  },

  async tools(client, asked, tool) {
    const runner = client.chat.completions.runTools(withTool(asked, tool));
    return shown(await runner.finalChatCompletion());
  },

  async streamed_tools(client, asked, tool) {
    const runner = client.chat.completions.runTools({
      ...withTool(asked, tool),
      stream: true,
      stream_options: { include_usage: true },
    });
    return shown(await runner.finalChatCompletion());
  },
};
