exitProcess(Program.run(CommandLine.arguments))
