Console.WriteLine(Greetings.Greeting.For(args.Length > 0 ? args[0] : "job"));
