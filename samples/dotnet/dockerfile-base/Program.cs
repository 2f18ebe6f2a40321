Console.Write(File.ReadAllText(Environment.GetEnvironmentVariable("SETTINGS")!));
