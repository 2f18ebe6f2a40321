Console.WriteLine("The runtime is in a layer of its own.");
