using System.Globalization;
using Humanizer;

int number = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 0;
Console.WriteLine($"{number} is {number.ToWords(CultureInfo.InvariantCulture)}");
