import { defineCommand } from "../command.ts";
import { parseCpus, parseRestartPolicy } from "../container/limit-flags.ts";
import { eachOperand } from "../each-operand.ts";
import { bytes, integer, text, value } from "../option.ts";
import { printError } from "../output.ts";

export const command = defineCommand({
  name: "update",
  summary: "Change the limits of containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container update"],
  examples: [
    {
      command: "lighter update --memory 128m --memory-swap 256m web",
      meaning: "change its memory limit while it runs",
    },
    { command: "lighter update --restart unless-stopped web", meaning: "from now on, start it with the machine" },
  ],
  options: {
    "blkio-weight": integer("Relative weight of block I/O, 10 to 1000; 0 for none"),
    "cpu-period": integer("Period of the CPU quota, in microseconds"),
    "cpu-quota": integer("CPU time in each period, in microseconds"),
    "cpu-rt-period": integer("Period of real-time CPU time, in microseconds"),
    "cpu-rt-runtime": integer("Real-time CPU time in each period, in microseconds"),
    "cpu-shares": integer("Relative weight of CPU time", { short: "c" }),
    cpus: value("decimal", parseCpus, "Number of CPUs that may be used, such as 1.5"),
    "cpuset-cpus": text("CPUs to run on (0-3, 0,1)"),
    "cpuset-mems": text("Memory nodes to use (0-3, 0,1)"),
    memory: bytes("Memory limit", { short: "m" }),
    "memory-reservation": bytes("Soft memory limit"),
    "memory-swap": bytes("Limit of memory and swap together; -1 for no limit of swap"),
    "pids-limit": integer("Limit of processes; -1 for none"),
    restart: value("string", parseRestartPolicy, "When to restart: no, on-failure[:max], always, unless-stopped"),
  },
  operands: { minimum: 1 },
  async run({ options, operands, engine }) {
    if (Object.values(options).every((given) => given === undefined)) {
      throw new Error("you must provide one or more flags when using this command");
    }
    const json = {
      BlkioWeight: options["blkio-weight"],
      CpuPeriod: options["cpu-period"],
      CpuQuota: options["cpu-quota"],
      CpuRealtimePeriod: options["cpu-rt-period"],
      CpuRealtimeRuntime: options["cpu-rt-runtime"],
      CpuShares: options["cpu-shares"],
      NanoCpus: options.cpus,
      CpusetCpus: options["cpuset-cpus"],
      CpusetMems: options["cpuset-mems"],
      Memory: options.memory,
      MemoryReservation: options["memory-reservation"],
      MemorySwap: options["memory-swap"],
      PidsLimit: options["pids-limit"],
      RestartPolicy: options.restart,
    };
    const api = await engine();
    return eachOperand(operands, async (name) => {
      const path = `/containers/${encodeURIComponent(name)}/update`;
      const { Warnings } = await api.json<{ Warnings: string[] | null }>("POST", path, { json });
      for (const warning of Warnings ?? []) await printError(warning);
      return name;
    });
  },
});
