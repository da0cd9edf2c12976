exitProcess(Program.run(Program.words))
