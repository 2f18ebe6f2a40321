Console.WriteLine("Native code, and nothing else.");
