print("msgspool")
