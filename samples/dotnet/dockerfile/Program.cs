Console.WriteLine(Environment.GetEnvironmentVariable("GREETING"));
